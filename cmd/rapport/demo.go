package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapporthq/rapport/demo"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/web/page"
	"github.com/rapporthq/rapport/web/shop"
)

// demoFooter stands on every page of the demo.
var demoFooter = page.Footer{
	"en": {
		"Purchases and products: 84.51°, The Complete Journey (R package CC0, Python package MIT), moved in time. Names, addresses, numbers, choices, diets, birthdays and complaints are made up.",
		"Fernhill Grocers does not exist.",
	},
	"fr": {
		"Achats et produits : 84.51°, The Complete Journey (paquet R sous CC0, paquet Python sous MIT), déplacés dans le temps. Noms, adresses, numéros, choix, régimes, anniversaires et réclamations sont inventés.",
		"Fernhill Grocers n'existe pas.",
	},
}

// demoKept is the file in a demo's home that keeps its tokens, so that a second start prints the same. A demo guards nobody real.
const demoKept = "demo.json"

func demoCommand() *cobra.Command {
	var o serveOptions
	var dir string
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "demo",
		Short:   "A home with real retail data, learnt and served: look around",
		Long:    "Makes a home (in a temporary folder unless --home) with a grocer's real purchases, brings them through the gate, learns, and serves.",
		Example: "  rapport demo\n  rapport demo --home ./demo --listen 127.0.0.1:9000",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := newLog(cmd.ErrOrStderr(), o.Log)
			if err != nil {
				return err
			}
			slog.SetDefault(log)
			if dir == "" {
				tmp, err := os.MkdirTemp("", "rapport-demo-")
				if err != nil {
					return err
				}
				defer func() { _ = os.RemoveAll(tmp) }()
				dir = filepath.Join(tmp, "home")
			}
			return runDemo(cmd.Context(), dir, o, asJSON, terminal(cmd), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&dir, "home", "", "where to make the home, or a demo's home made before (default: a temporary folder)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON line when ready")
	serveFlags(cmd, &o)
	return cmd
}

// demoReady is the one line of --json, and what is kept for the next start but URL and Ready.
type demoReady struct {
	Ready         bool     `json:"ready"`
	URL           string   `json:"url"`
	Home          string   `json:"home"`
	DecideToken   string   `json:"decideToken"`
	SourceKey     string   `json:"sourceKey"`
	MarketerToken string   `json:"marketerToken"`
	PrivacyToken  string   `json:"privacyToken"`
	UserIDs       []string `json:"userIds"`
	UserLevels    []string `json:"userLevels"` // what their levels will be, in the same order
	ShopToken     string   `json:"shopToken"`  // the shop's own: its drawer may explain
}

func runDemo(ctx context.Context, dir string, o serveOptions, asJSON bool, say *speaker, out, errs io.Writer) error {
	begun := time.Now()
	kept, err := readDemo(dir)
	if errors.Is(err, os.ErrNotExist) {
		if isHome(dir) {
			return fault.New(fault.Conflict, dir+" is a home, but no finished demo's; name another folder, or remove it.")
		}
		if err = makeHome(dir, demo.Charter()); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	h, err := openHouse(ctx, homeOptions{Home: dir})
	if err != nil {
		return err
	}
	defer h.Close()
	if kept == nil {
		if kept, err = h.fillDemo(ctx, dir, say, errs); err != nil {
			return err
		}
	}
	var open *shop.Shop
	front := func(transport http.RoundTripper, base string, secure bool) *shop.Shop {
		b := h.charter().Brand
		c := shop.Config{Brand: b.Name, Languages: b.Languages, Base: base, Transport: transport, SourceKey: kept.SourceKey, Token: kept.ShopToken, Inside: true,
			Currency: b.Currency, Footer: demoFooter, Secure: secure, Log: h.log}
		for i, id := range kept.UserIDs {
			c.Households = append(c.Households, shop.Household{UserID: id, Level: kept.UserLevels[i]})
		}
		for _, it := range h.live.House().Shelf.All() { // the brand's own list of its products
			if it.Available(h.clock()) {
				c.Products = append(c.Products, shop.Product{ID: it.ID, Name: it.Name, Department: it.Department, Category: it.Category, Brand: it.Brand, Size: it.Size, Price: it.Price})
			}
		}
		open = shop.New(c)
		return open
	}
	defer func() { // before the home closes
		closing, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if open != nil && open.Close(closing) != nil {
			h.log.Warn("what the shop had to tell could not all be told")
		}
	}()
	return serve(ctx, h, o, front, func(url string) {
		kept.Ready, kept.URL, kept.Home = true, url, dir
		if asJSON {
			_ = writeJSONLine(out, kept)
			return
		}
		fmt.Fprintf(out, "\nFernhill Grocers is open (%.1f s).\n\n  The shop         %s/shop\n  Your data        %s/trust\n  The console      %s/console\n\n"+
			"  privacy token    %s\n  marketer token   %s\n  decide token     %s\n  source key       %s\n\n"+
			"  curl -s -H 'Authorization: Bearer %s' -d '{\"person\":{\"userId\":\"%s\"},\"placement\":\"home\"}' %s/api/decide\n\nCtrl-C ends it.\n",
			time.Since(begun).Seconds(), url, url, url, kept.PrivacyToken, kept.MarketerToken, kept.DecideToken, kept.SourceKey, kept.DecideToken, kept.UserIDs[0], url)
	})
}

// fillDemo brings the demo's files through the same gate as anybody's, learns, and makes the tokens.
func (h *house) fillDemo(ctx context.Context, dir string, say *speaker, errs io.Writer) (*demoReady, error) {
	tmp, err := os.MkdirTemp("", "rapport-demo-files-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	summary, err := demo.Write(tmp, demo.Options{Now: h.clock().Time()}, func(done, total int) { say.Progress("unpacking", int64(done), int64(total)) })
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(errs, "%d households, %d baskets, %d lines, %d products.\n", summary.Households, summary.Baskets, summary.Lines, summary.Items)
	quiet := &speaker{out: func(text string) error { _, err := io.WriteString(errs, text); return err }, progress: say.progress}
	for _, f := range summary.Files {
		if err := runImport(ctx, h, importArgs{Source: f.Source, As: f.As, Files: []string{filepath.Join(tmp, f.Name)}}, quiet); err != nil {
			return nil, err
		}
	}
	if err := runLearn(ctx, h, learnArgs{}, quiet); err != nil {
		return nil, err
	}
	if err := runMatch(ctx, h, identityArgs{}, quiet); err != nil {
		return nil, err
	}
	kept := &demoReady{UserIDs: summary.UserIDs, UserLevels: summary.UserLevels}
	for _, t := range []struct {
		into *string
		args tokenArgs
	}{
		{&kept.SourceKey, tokenArgs{Role: "source", Name: "shop"}},
		{&kept.DecideToken, tokenArgs{Role: "decide", Name: "shop", Attest: true}},
		{&kept.ShopToken, tokenArgs{Role: "decide", Name: "shop, with its drawer", Attest: true, Explain: true}},
		{&kept.MarketerToken, tokenArgs{Role: "marketer", Name: "Marie from marketing"}},
		{&kept.PrivacyToken, tokenArgs{Role: "privacy", Name: "Paul from privacy"}},
	} {
		if *t.into, err = h.mint(ctx, t.args); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(filepath.Join(dir, demoKept), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	if err := writeJSONLine(f, kept); err != nil {
		_ = f.Close()
		return nil, err
	}
	return kept, f.Close()
}
