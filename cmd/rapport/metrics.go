package main

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/rapporthq/rapport/know/collect"
	"github.com/rapporthq/rapport/know/tally"
	"github.com/rapporthq/rapport/reach/decide"
)

// meter is every figure that the process gives to Prometheus. Labels are the charter's names and reasons, never anything
// that a person or a caller wrote.
type meter struct {
	registry       *prometheus.Registry
	accepted       prometheus.Counter
	duplicate      prometheus.Counter
	eventsRefused  *prometheus.CounterVec
	fieldsRefused  *prometheus.CounterVec
	decisions      *prometheus.CounterVec
	degraded       *prometheus.CounterVec
	holds          *prometheus.CounterVec
	looks          *prometheus.CounterVec
	requests       *prometheus.CounterVec
	decideSeconds  prometheus.Histogram
	collectSeconds prometheus.Histogram
	lag            prometheus.Gauge
	lost           prometheus.Counter
	anchors        prometheus.Gauge
	days           *tally.Book // the same by day, on disk, for the console; nil: nowhere
}

func newMeter() *meter {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	vec := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	buckets := []float64{.0002, .0005, .001, .002, .005, .01, .02, .05, .1, .25, 1}
	m := &meter{
		registry:       prometheus.NewRegistry(),
		accepted:       counter("rapport_events_accepted_total", "Messages of which something was kept."),
		duplicate:      counter("rapport_events_duplicate_total", "Events dropped because they were there already."),
		eventsRefused:  vec("rapport_events_refused_total", "Messages of which nothing was kept, by reason.", "reason"),
		fieldsRefused:  vec("rapport_fields_refused_total", "Fields that were not kept, by reason.", "reason"),
		decisions:      vec("rapport_decisions_total", "Decisions, by placement and rung.", "placement", "rung"),
		degraded:       vec("rapport_decisions_degraded_total", "Decisions that were less personal because a part failed, by part.", "part"),
		holds:          vec("rapport_holds_total", "What was held back from decisions, by reason.", "reason"),
		looks:          vec("rapport_looks_total", "Looks at people's data, by role.", "role"),
		requests:       vec("rapport_requests_total", "Requests answered, by door and status.", "door", "status"),
		decideSeconds:  prometheus.NewHistogram(prometheus.HistogramOpts{Name: "rapport_decide_seconds", Help: "Time of a call to decide.", Buckets: buckets}),
		collectSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "rapport_collect_seconds", Help: "Time of a request to collect, synced.", Buckets: buckets}),
		lag:            prometheus.NewGauge(prometheus.GaugeOpts{Name: "rapport_history_lag_seconds", Help: "Age of the oldest event that decisions do not see yet; on SQLite, where they see each at once, for how long bringing events into histories has been overdue."}),
		lost:           counter("rapport_receipts_lost_total", "Receipts that could not be written."),
		anchors:        prometheus.NewGauge(prometheus.GaugeOpts{Name: "rapport_anchors_failing", Help: "Places outside the home that did not take the ledger's head at their last turn."}),
	}
	m.registry.MustRegister(m.accepted, m.duplicate, m.eventsRefused, m.fieldsRefused, m.decisions, m.degraded, m.holds, m.looks, m.requests, m.decideSeconds, m.collectSeconds, m.lag, m.lost, m.anchors,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *meter) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Accepted, EventRefused and FieldRefused are collect.Meter.
func (m *meter) Accepted(n int) {
	m.accepted.Add(float64(n))
	m.day(tally.Events, "", n)
}

// Chosen counts a person's answer to a purpose, for the console only: it is a count of people, which is shown from k on.
func (m *meter) Chosen(purpose string, yes bool) {
	kind := tally.No
	if yes {
		kind = tally.Yes
	}
	m.day(kind, purpose, 1)
}

func (m *meter) day(kind, name string, n int) {
	if m.days != nil {
		m.days.Add(kind, name, n)
	}
}

func (m *meter) EventRefused(r collect.Reason, n int) {
	m.eventsRefused.WithLabelValues(string(r)).Add(float64(n))
}

func (m *meter) FieldRefused(r collect.Reason, n int) {
	m.fieldsRefused.WithLabelValues(string(r)).Add(float64(n))
}

// Duplicates, Lag, Lost and Looked are store.Meter.
func (m *meter) Duplicates(n int) { m.duplicate.Add(float64(n)) }

func (m *meter) Lag(d time.Duration) { m.lag.Set(d.Seconds()) }

func (m *meter) Lost(n int) { m.lost.Add(float64(n)) }

func (m *meter) Looked(role string) { m.looks.WithLabelValues(role).Inc() }

// answered counts by the pattern of the door, as the table of doors has it: a path may hold what a caller wrote.
func (m *meter) answered(door string, status int) {
	if door == "" {
		door = "none"
	}
	m.requests.WithLabelValues(door, strconv.Itoa(status)).Inc()
}

func (m *meter) collected(d time.Duration) { m.collectSeconds.Observe(d.Seconds()) }

func (m *meter) decided(o decide.Observed) {
	m.decisions.WithLabelValues(o.Placement, o.Rung.String()).Inc()
	m.day(tally.Decisions, o.Rung.String(), 1)
	if o.Degraded != "" {
		m.degraded.WithLabelValues(o.Degraded).Inc()
	}
	for reason, n := range o.Holds {
		m.holds.WithLabelValues(reason).Add(float64(n))
		m.day(tally.Holds, reason, n)
	}
	m.decideSeconds.Observe(o.Took.Seconds())
}
