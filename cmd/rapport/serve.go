package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/know/catalogue"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/web/collectapi"
	"github.com/rapporthq/rapport/web/decideapi"
	"github.com/rapporthq/rapport/web/frontdoor"
	"github.com/rapporthq/rapport/web/itemsapi"
	"github.com/rapporthq/rapport/web/openapi"
	"github.com/rapporthq/rapport/web/page"
	"github.com/rapporthq/rapport/web/problems"
	"github.com/rapporthq/rapport/web/rightsapi"
	"github.com/rapporthq/rapport/web/shop"
	"github.com/rapporthq/rapport/web/trustcentre"
)

// serveOptions is everything that serve can be told besides the home: plumbing only.
type serveOptions struct {
	Listen       string
	TLSCert      string
	TLSKey       string
	Customers    customerOptions
	Staff        staffOptions
	TrustedProxy bool // the last address of X-Forwarded-For is the caller's, and cookies go over TLS
	Log          string
	LogRequests  bool
}

func serveCommand() *cobra.Command {
	var home homeOptions
	var o serveOptions
	cmd := &cobra.Command{
		Use:     "serve --home DIR",
		Short:   "Serve a home: doors for events and decisions, pages for people",
		Example: "  rapport serve --home ./shop\n  rapport serve --home ./shop --listen 0.0.0.0:8080 --database postgres://rapport@db/rapport --trusted-proxy",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := newLog(cmd.ErrOrStderr(), o.Log)
			if err != nil {
				return err
			}
			slog.SetDefault(log)
			h, err := openHouse(cmd.Context(), home)
			if err != nil {
				return err
			}
			defer h.Close()
			return serve(cmd.Context(), h, o, nil, func(url string) {
				fmt.Fprintf(cmd.ErrOrStderr(), "Rapport serves %s at %s\n", h.charter().Brand.Name, url)
			})
		},
	}
	homeFlags(cmd.Flags(), &home)
	serveFlags(cmd, &o)
	customerFlags(cmd, &o.Customers)
	staffFlags(cmd, &o.Staff)
	return cmd
}

func serveFlags(cmd *cobra.Command, o *serveOptions) {
	cmd.Flags().StringVar(&o.Listen, "listen", "127.0.0.1:8080", "address to listen on")
	cmd.Flags().StringVar(&o.TLSCert, "tls-cert", "", "certificate file, to speak TLS without a proxy")
	cmd.Flags().StringVar(&o.TLSKey, "tls-key", "", "its key file")
	cmd.Flags().BoolVar(&o.TrustedProxy, "trusted-proxy", false, "a proxy in front speaks TLS and says who called")
	cmd.Flags().StringVar(&o.Log, "log", "text", "how lines of the log are written: text or json")
	cmd.Flags().BoolVar(&o.LogRequests, "log-requests", false, "log every request, not only those that failed: its door, status, time and id")
}

// shopFront is the demo's shop, nil outside the demo.
type shopFront func(transport http.RoundTripper, base string, secure bool) *shop.Shop

// serve answers until the context ends. ready is called once when the doors are open.
func serve(ctx context.Context, h *house, o serveOptions, front shopFront, ready func(url string)) error {
	tendHeap()
	if (o.TLSCert == "") != (o.TLSKey == "") {
		return usage{errors.New("give --tls-cert and --tls-key together")}
	}
	var own *certificate
	if o.TLSCert != "" {
		var err error
		if own, err = loadCertificate(o.TLSCert, o.TLSKey, h.log); err != nil {
			return err
		}
	}
	ln, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return fmt.Errorf("nothing can be served at %s; name another address with --listen: %w", o.Listen, err)
	}
	secure := o.TrustedProxy || o.TLSCert != ""
	scheme := "http"
	if o.TLSCert != "" {
		scheme = "https"
	}
	url := scheme + "://" + strings.Replace(ln.Addr().String(), "[::]", "localhost", 1)
	handler, err := h.doors(o, secure, url, front)
	if err != nil {
		_ = ln.Close()
		return err
	}
	stopSocket := func() {}
	if h.shared() {
		// Every process of a PostgreSQL home can be reached by the database: commands need no socket.
	} else if stopSocket, err = listenSocket(ctx, h, h.log); err != nil {
		_ = ln.Close()
		return err
	}
	defer stopSocket()
	stopJobs, err := h.startJobs(ctx)
	if err != nil {
		_ = ln.Close()
		return err
	}
	defer stopJobs()
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(h.log.Handler(), slog.LevelWarn)}
	failed := make(chan error, 1)
	go func() {
		if own != nil {
			server.TLSConfig = own.config()
			failed <- server.ServeTLS(ln, "", "")
			return
		}
		failed <- server.Serve(ln)
	}()
	ready(url)
	var ended error
	select {
	case err := <-failed:
		return err
	case ended = <-h.outdated:
	case <-ctx.Done():
	}
	// Requests that are under way are answered; nothing new is let in.
	closing, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	return errors.Join(ended, server.Shutdown(closing))
}

// doors puts every door into one table: a route without a row that says who may come in cannot be served.
func (h *house) doors(o serveOptions, secure bool, url string, front shopFront) (http.Handler, error) {
	mux, err := h.mux(o, secure, url, front)
	if err != nil {
		return nil, err
	}
	return page.Secure(h.observed(strayed(mux, h.entrance(secure, front != nil).Stray()), o.LogRequests)), nil
}

// entrance is the front door of this home.
func (h *house) entrance(secure, demo bool) frontdoor.Page {
	p := frontdoor.Page{Charter: h.charter, Shop: demo, Secure: secure, Log: h.log}
	if demo {
		p.Footer = demoFooter
	}
	return p
}

// mux is the table of doors with what stands behind each.
func (h *house) mux(o serveOptions, secure bool, url string, front shopFront) (*http.ServeMux, error) {
	rows, handlers, err := h.rows(o, secure, url, front)
	if err != nil {
		return nil, err
	}
	table, err := access.NewTable(rows...)
	if err != nil {
		return nil, err
	}
	var footer page.Footer
	if front != nil {
		footer = demoFooter
	}
	sess := sessions{h, secure}
	return table.Mux(rated(sess.guard(h.console(sess, nil, footer).Refused), h.rates, callerAddress(o.TrustedProxy), h.clock), handlers)
}

// rows are the doors of this home and what stands behind each. The demo's shop speaks to them from inside.
func (h *house) rows(o serveOptions, secure bool, url string, front shopFront) ([]access.Door, map[string]access.Handler, error) {
	handlers := map[string]access.Handler{}
	var rows []access.Door
	add := func(doors []access.Door, hs map[string]access.Handler) {
		rows = append(rows, doors...)
		for k, v := range hs {
			handlers[k] = v
		}
	}
	limiter := access.NewLimiter()
	address := callerAddress(o.TrustedProxy)
	sess := sessions{h, secure}
	anyone := []access.Role{access.Anyone}
	add(collectapi.Doors(), collectapi.New(collectapi.Parts{Gate: h.gate, Keys: h.keeper, Charters: func() charter.Series { return h.live.House().Series }, Limiter: limiter,
		Address: address, Secure: secure, Clock: h.clock, Took: h.meter.collected}).Handlers())
	add(decideapi.Doors(), decideapi.New(decideapi.Config{Decider: h.decider, Charter: h.charter, Limiter: limiter, Address: address, Clock: h.clock, Log: h.log}).Handlers())
	add(itemsapi.Doors(), itemsapi.New(itemsapi.Config{Store: h.store, Shelf: func() *catalogue.Shelf { return h.live.House().Shelf },
		With: func(id string) []string { return h.live.House().GoesWith(id, 8, h.clock()) }, Charter: h.charter, Changed: h.follow, Limiter: limiter,
		Clock: h.clock, Log: h.log}).Handlers())
	links := &trustcentre.Links{Store: h.store, Vault: h.vault, Sessions: h.store, Clock: h.clock, Limiter: limiter, Tombs: h.store}
	add([]access.Door{trustcentre.LinkDoor}, map[string]access.Handler{trustcentre.LinkDoor.Key(): links.Make})
	add([]access.Door{rightsapi.EraseDoor}, rightsapi.New(rightsapi.Config{Erase: h.eraseNamed, Limiter: limiter, Clock: h.clock, Log: h.log}).Handlers())

	shopAddress := "/"
	var footer page.Footer
	if front != nil {
		shopAddress, footer = "/shop", demoFooter
	}
	token, err := h.vouched(o.Customers, links)
	if err != nil {
		return nil, nil, err
	}
	centre := trustcentre.New(trustcentre.Config{Charter: h.charter, Self: &trustcentre.Own{Acts: h.acts, Gate: h.gate, Decider: h.decider, Rows: h.store.Ledger(), Proofs: h.ledger}, Sessions: customers{sess},
		Ledger: h.ledger, Token: token, Hold: crowded(limiter, address, h.clock), Footer: footer, SignIn: shopAddress, Log: h.log})
	add(pageDoors(centre.Handlers(), access.Customer))
	staffAt, err := o.Staff.provider(sess)
	if err != nil {
		return nil, nil, err
	}
	for _, route := range h.console(sess, staffAt, footer).Routes() {
		add(pageDoors(map[string]http.HandlerFunc{route.Key: route.Handle}, route.Roles...))
	}
	add([]access.Door{frontdoor.Door, frontdoor.LanguageDoor}, h.entrance(secure, front != nil).Handlers())

	add([]access.Door{openapi.Door}, map[string]access.Handler{openapi.Door.Key(): openapi.Handler()})
	add([]access.Door{problems.Door}, map[string]access.Handler{problems.Door.Key(): problems.Handler(h.log)})

	plain := map[string]http.Handler{
		"GET /assets/": page.Assets(),
		"GET /metrics": h.meter.handler(),
		"GET /healthz": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("alive\n")) }),
		"GET /readyz":  http.HandlerFunc(h.ready),
	}
	if front != nil {
		public, err := h.mux(o, secure, url, nil)
		if err != nil {
			return nil, nil, err
		}
		s := front(insideTransport(public.ServeHTTP), url, secure)
		for _, route := range shop.Routes() {
			plain[route] = s
		}
	}
	for key, hd := range plain {
		method, pattern, _ := strings.Cut(key, " ")
		rows = append(rows, access.Door{Method: method, Pattern: pattern, Roles: anyone, Says: "open to all"})
		handlers[key] = func(w http.ResponseWriter, r *http.Request, _ access.Principal) { hd.ServeHTTP(w, r) }
	}
	return rows, handlers, nil
}

// openPages are the pages that show themselves to a stranger too: sign-in, and what anybody may read.
var openPages = map[string]bool{"GET /trust": true, "GET /trust/facts": true, "GET /trust/choices": true, "GET /trust/decisions": true, "GET /trust/decisions/{id}": true,
	"GET /trust/looks": true, "GET /trust/looks.json": true, "GET /trust/ledger/{what}": true, "GET /trust/enter/{link}": true, "POST /trust/enter": true, "POST /trust/sign-out": true}

func pageDoors(handlers map[string]http.HandlerFunc, roles ...access.Role) ([]access.Door, map[string]access.Handler) {
	var rows []access.Door
	out := map[string]access.Handler{}
	for key, hd := range handlers {
		method, pattern, _ := strings.Cut(key, " ")
		d := access.Door{Method: method, Pattern: pattern, Roles: roles, Says: "a page"}
		if openPages[key] {
			d.Roles = append([]access.Role{access.Anyone}, roles...)
		}
		rows = append(rows, d)
		out[key] = asHandler(hd)
	}
	return rows, out
}

// ready says whether the doors can do their work: the store answers.
func (h *house) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if _, err := h.store.CharterPosition(ctx); err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte("the database does not answer\n"))
		return
	}
	_, _ = w.Write([]byte("ready\n"))
}
