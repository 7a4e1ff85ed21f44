package fresh

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

// TestNobodyGetsAnAnswerOlderThanTheirQuestion lets many ask what others change: whoever asks must see what had changed before.
func TestNobodyGetsAnAnswerOlderThanTheirQuestion(t *testing.T) {
	var a Answers[string, int64]
	var truth, put atomic.Int64
	const askers, times = 16, 500
	var wg sync.WaitGroup
	for range askers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range times {
				least := truth.Add(1)
				got, err := a.Ask(context.Background(), "version", func(context.Context) (int64, error) { put.Add(1); return truth.Load(), nil })
				if err != nil || got < least {
					t.Errorf("it was %d before the question, and the answer is %d (%v)", least, got, err)
					return
				}
			}
		}()
	}
	wg.Wait()
	if n := put.Load(); n > askers*times {
		t.Errorf("%d questions were put for %d who asked", n, askers*times)
	}
	if len(a.under) != 0 {
		t.Error("it remembers keys that nobody asks about")
	}
}

// TestThoseWhoComeMeanwhileShareTheNextQuestion holds one question up and lets others come.
func TestThoseWhoComeMeanwhileShareTheNextQuestion(t *testing.T) {
	var a Answers[int, int]
	var put atomic.Int64
	begun, goOn := make(chan struct{}), make(chan struct{})
	first := func(context.Context) (int, error) { close(begun); <-goOn; return 1, nil }
	second := func(context.Context) (int, error) { put.Add(1); return 2, nil }
	got := make(chan int, 11)
	go func() { n, _ := a.Ask(context.Background(), 7, first); got <- n }()
	<-begun
	if n, err := a.Ask(context.Background(), 8, func(context.Context) (int, error) { return 3, nil }); n != 3 || err != nil {
		t.Errorf("another key waits: %d, %v", n, err)
	}
	next := a.join(7, second)
	for range 10 {
		if a.join(7, second) != next {
			t.Fatal("two who come meanwhile do not share")
		}
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := a.Ask(gone, 7, second); !errors.Is(err, context.Canceled) {
		t.Errorf("who has gone waits: %v", err)
	}
	close(goOn)
	<-next.done
	if n := <-got; n != 1 || next.value != 2 || put.Load() != 1 {
		t.Errorf("the first got %d, the others %d, by %d questions", n, next.value, put.Load())
	}
}

// TestAQuestionThatFailsFailsOnce lets a question end in an error and in a panic; the next is put anew.
func TestAQuestionThatFailsFailsOnce(t *testing.T) {
	var a Answers[int, int]
	broken := errors.New("broken")
	if _, err := a.Ask(context.Background(), 1, func(context.Context) (int, error) { return 0, broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
	if _, err := a.Ask(context.Background(), 1, func(context.Context) (int, error) { panic("broken") }); !errors.Is(err, errPanic) {
		t.Error(err)
	}
	if n, err := a.Ask(context.Background(), 1, func(context.Context) (int, error) { return 5, nil }); n != 5 || err != nil {
		t.Error(n, err)
	}
}
