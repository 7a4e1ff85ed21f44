package store

import (
	"runtime"
	"syscall"
)

// beside does work on a thread of its own that others go before: what nobody waits for must not keep a processor from who is asked
// for an answer. It is waited for. The work holds no lock for which somebody waits; it gets a ninth of a busy processor (sched(7), nice 10).
func beside(work func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine, and nobody else gets it
		const low = 10
		if p, err := syscall.Getpriority(syscall.PRIO_PROCESS, syscall.Gettid()); err == nil && 20-p < low { // the kernel's answer is 20 less the nice value
			_ = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), low)
		}
		done <- work()
	}()
	return <-done
}
