package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/rights"
	"github.com/rapporthq/rapport/trust/tact"
	"github.com/rapporthq/rapport/trust/vault"
)

func init() {
	register("rights-erase", runErase)
	register("rights-certificates", runCertificates)
	register("rights-access", runAccess)
	register("rights-retained", runRetained)
	register("rights-about", runAbout)
}

type rightsArgs struct {
	People      []string
	Now         bool
	ID          string
	Purpose     string
	Reason      string
	Certificate []byte
	Export      bool
}

func rightsCommand() *cobra.Command {
	var home homeOptions
	cmd := &cobra.Command{
		Use:     "rights",
		Short:   "What a person may ask: to be told everything, and to be forgotten, with a signed certificate",
		Example: "  rapport rights access --home ./shop --person userId=13085\n  rapport rights erase --home ./shop --person userId=13085 --now --out certificate.txt\n  rapport rights check certificate.txt --key 'rapport-ledger/…'",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	homeFlags(cmd.PersistentFlags(), &home)
	cmd.AddCommand(eraseCommand(&home), certificateCommand(&home), checkCertificateCommand(&home), accessCommand(&home, "access"), accessCommand(&home, "export"), retainedCommand(&home))
	return cmd
}

func eraseCommand(home *homeOptions) *cobra.Command {
	var args rightsArgs
	var file, out string
	cmd := &cobra.Command{
		Use:   "erase --home DIR --person userId=…",
		Short: "Forget people for good, and print a signed certificate for each",
		Long: "Destroys their keys and removes every row and event about them, within a second and while the home is served. With --now it waits besides until\n" +
			"the database's files are written anew, so that no byte is left in them; without, that happens within " + rights.RewrittenWithin.String() + " while the home is served.\n" +
			"What a law obliges you to keep stays sealed, and the certificate lists it. There is no way back.",
		Example: "  rapport rights erase --home ./shop --person userId=13085 --now --out certificate.txt\n  rapport rights erase --home ./shop --people leavers.txt --now",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file != "" {
				raw, err := os.ReadFile(file)
				if err != nil {
					return fault.Wrap(fault.NotFound, file+" cannot be read; name a file with one userId=… on each line.", err)
				}
				for line := range strings.Lines(string(raw)) {
					if line = strings.TrimSpace(line); line != "" {
						args.People = append(args.People, line)
					}
				}
			}
			if len(args.People) == 0 {
				return usage{errors.New("say who with --person userId=…, anonymousId=…, email=…, phone=… or pseudonym=p_…, or with --people FILE")}
			}
			say := terminal(cmd)
			if out != "" {
				f, err := os.OpenFile(out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
				if err != nil {
					return fault.Wrap(fault.Conflict, out+" cannot be made; name a file that is not there yet.", err)
				}
				defer func() { _ = f.Close() }()
				say.out = func(text string) error { _, err := f.WriteString(text); return err }
			}
			return perform(cmd.Context(), *home, "rights-erase", args, say)
		},
	}
	cmd.Flags().StringArrayVar(&args.People, "person", nil, "userId=…, anonymousId=…, email=…, phone=… or pseudonym=p_…; may be given again")
	cmd.Flags().StringVar(&file, "people", "", "a file with one of these on each line")
	cmd.Flags().BoolVar(&args.Now, "now", false, "wait until no byte is left in the database's files")
	cmd.Flags().StringVar(&out, "out", "", "write the certificates to this file instead")
	return cmd
}

// erasures finds who is meant. An identifier that leads to nobody ends it before anybody is forgotten.
func (h *house) erasures(ctx context.Context, who []string, actor, role string, now bool) ([]rights.Erasure, error) {
	var all []rights.Erasure
	for _, w := range who {
		people, claims, err := h.named(ctx, w)
		if err != nil {
			return nil, err
		}
		for i, id := range people {
			e := rights.Erasure{Person: id, Actor: actor, Role: role, Now: now, Besides: i > 0}
			if i == 0 {
				e.Claims = claims
			}
			all = append(all, e)
		}
	}
	return all, nil
}

// named reads userId=… and the like, and finds whom it leads to.
func (h *house) named(ctx context.Context, who string) ([]person.ID, []vault.Key, error) {
	ref, err := refOf(who)
	if err != nil {
		return nil, nil, err
	}
	if !ref.Pseudonym.IsZero() {
		return []person.ID{ref.Pseudonym}, nil, nil
	}
	kind, value := identifierOf(ref)
	return h.eraser.Named(ctx, kind, value)
}

func runErase(ctx context.Context, h *house, args rightsArgs, say *speaker) error {
	all, err := h.erasures(ctx, args.People, "command line", "admin", args.Now)
	if err != nil {
		return err
	}
	certificates, err := h.erase(ctx, all)
	for _, c := range certificates {
		say.Printf("%s\n", c)
	}
	return err
}

// eraseNamed forgets whom one identifier leads to, for the door. An identifier that can be nobody's is nobody's.
func (h *house) eraseNamed(ctx context.Context, kind vault.IdentifierKind, value, actor, role string, now bool) ([]byte, error) {
	people, claims, err := h.eraser.Named(ctx, kind, value)
	if errors.Is(err, vault.ErrIdentifier) {
		err = fault.Wrap(fault.NotFound, "Nothing is kept about this person: nobody is found by that.", err)
	}
	if err != nil {
		return nil, err
	}
	var all []rights.Erasure
	for i, id := range people {
		all = append(all, rights.Erasure{Person: id, Actor: actor, Role: role, Now: now, Besides: i > 0})
	}
	all[0].Claims = claims
	certificates, err := h.erase(ctx, all)
	if err != nil {
		return nil, err
	}
	return certificates[0], nil
}

// erase forgets people and has the files' pages written anew with the next sweep, unless that was waited for.
func (h *house) erase(ctx context.Context, all []rights.Erasure) ([][]byte, error) {
	if err := h.store.PutSetting(ctx, slackSetting, "1"); err != nil {
		return nil, err
	}
	if err := h.store.PutSetting(ctx, erasedSetting, "1"); err != nil {
		return nil, err
	}
	return h.eraser.Erase(ctx, all...)
}

// erasedSetting says that somebody was forgotten since the wrapping key was rotated.
const erasedSetting = "erased since the keys were rotated"

func certificateCommand(home *homeOptions) *cobra.Command {
	return &cobra.Command{
		Use: "certificate [ID]", Short: "List the certificates of erasure that the home has issued, or print one", Example: "  rapport rights certificate --home ./shop", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, a []string) error {
			return perform(cmd.Context(), *home, "rights-certificates", rightsArgs{ID: strings.Join(a, "")}, terminal(cmd))
		},
	}
}

func runCertificates(ctx context.Context, h *house, args rightsArgs, say *speaker) error {
	if _, err := h.eraser.Resume(ctx); err != nil {
		return err
	}
	_, key := h.vault.TreeKey()
	found := false
	err := h.store.Certificates(ctx, func(raw []byte) error {
		c, err := rights.Check(raw, key)
		if err != nil {
			return err
		}
		switch args.ID {
		case "":
			say.Printf("%s  %s  by %s\n", c.ID, c.Done.Format("2006-01-02 15:04:05 UTC"), c.By)
		case c.ID:
			say.Printf("%s", raw)
		default:
			return nil
		}
		found = true
		return nil
	})
	if err == nil && !found && args.ID != "" {
		err = fault.New(fault.NotFound, "There is no such certificate; rapport rights certificate lists them.")
	}
	return err
}

func checkCertificateCommand(home *homeOptions) *cobra.Command {
	var key, who string
	cmd := &cobra.Command{
		Use: "check FILE --key KEY", Short: "Check a certificate of erasure: no home is needed, and no key but the ledger's public one",
		Long: "Whether it is about a certain person only their home can tell, which has the key of the tombstones: give --home and --person besides.", Example: "  rapport rights check certificate.txt --key 'rapport-ledger/…'", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, a []string) error {
			if key == "" {
				return usage{errors.New("give the ledger's public key with --key: a certificate cannot vouch for itself")}
			}
			raw, err := os.ReadFile(a[0])
			if err != nil {
				return fault.Wrap(fault.NotFound, a[0]+" cannot be read; name the certificate's file.", err)
			}
			if kept, err := os.ReadFile(key); err == nil {
				key = string(kept)
			}
			raw = append([]byte(strings.TrimRight(string(raw), "\n")), '\n') // as it was printed
			c, err := rights.Check(raw, key)
			if err != nil {
				return fault.Wrap(fault.Invalid, "That is no certificate of erasure of this home, or it was changed.", err)
			}
			say := terminal(cmd)
			if who != "" {
				return perform(cmd.Context(), *home, "rights-about", rightsArgs{People: []string{who}, Certificate: raw}, say)
			}
			say.Printf("%s signed that somebody was forgotten: asked %s, done %s. %d keys were destroyed, %d tombstones stay, %d things are kept because a law asks for them.\n", c.Home,
				c.Asked.Format("2006-01-02 15:04:05 UTC"), c.Done.Format("2006-01-02 15:04:05 UTC"), c.Keys, len(c.Stones), len(c.Retained))
			return nil
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "the ledger's public key, or a file of it")
	cmd.Flags().StringVar(&who, "person", "", "ask whether it is about this person: userId=…, email=… (needs --home)")
	return cmd
}

func runAbout(_ context.Context, h *house, args rightsArgs, say *speaker) error {
	_, key := h.vault.TreeKey()
	c, err := rights.Check(args.Certificate, key)
	if err != nil {
		return fault.Wrap(fault.Invalid, "That is no certificate of erasure of this home, or it was changed.", err)
	}
	ref, err := refOf(args.People[0])
	if err != nil {
		return err
	}
	kind, value := identifierOf(ref)
	stones, err := h.vault.Tombstones(kind, value)
	if err != nil {
		return fault.Wrap(fault.Invalid, "That identifier cannot be used; give it as the events had it.", err)
	}
	if !c.About(stones) {
		say.Printf("It is signed by this home, and is not about whoever had that identifier.\n")
		return errSaid
	}
	say.Printf("It is signed by this home, and is about whoever had that identifier.\n")
	return nil
}

func accessCommand(home *homeOptions, name string) *cobra.Command {
	var args rightsArgs
	var who string
	short := "Everything that is kept about a person, as JSON: a look, which they can see"
	if name == "export" {
		short = "The same in one object for the person to take away"
	}
	cmd := &cobra.Command{
		Use: name + " --home DIR --person userId=…", Short: short, Example: "  rapport rights " + name + " --home ./shop --person userId=13085", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			args.People, args.Export = []string{who}, name == "export"
			return perform(cmd.Context(), *home, "rights-access", args, terminal(cmd))
		},
	}
	cmd.Flags().StringVar(&who, "person", "", "userId=…, anonymousId=…, email=…, phone=… or pseudonym=p_…")
	cmd.Flags().StringVar(&args.Reason, "reason", "asked for at the command line", "why you look: the person can read it")
	return cmd
}

func runAccess(ctx context.Context, h *house, args rightsArgs, say *speaker) error {
	people, _, err := h.named(ctx, args.People[0])
	if err != nil {
		return err
	}
	about, err := h.eraser.Access(ctx, people[0], ledger.Look{Actor: "command line", Role: "admin", Purpose: "own", Reason: args.Reason})
	if err != nil {
		return err
	}
	if args.Export {
		say.JSON(about)
		return nil
	}
	for _, f := range about.Facts {
		say.JSON(f)
	}
	for _, e := range about.Events {
		say.JSON(e)
	}
	for _, c := range about.Choices {
		say.JSON(c)
	}
	return nil
}

func retainedCommand(home *homeOptions) *cobra.Command {
	var args rightsArgs
	var who string
	cmd := &cobra.Command{
		Use: "retained --home DIR --person userId=… --purpose NAME --reason WHY", Short: "What a law obliges you to keep of somebody who was forgotten, for that law's question only",
		Example: "  rapport rights retained --home ./shop --person userId=13085 --purpose tax --reason 'tax office, file 17'", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if args.Reason == "" {
				return usage{errors.New("say why with --reason: it is on record")}
			}
			args.People = []string{who}
			return perform(cmd.Context(), *home, "rights-retained", args, terminal(cmd))
		},
	}
	cmd.Flags().StringVar(&who, "person", "", "userId=…, anonymousId=…, email=… or phone=…")
	cmd.Flags().StringVar(&args.Purpose, "purpose", "", "the charter's name of the legal obligation")
	cmd.Flags().StringVar(&args.Reason, "reason", "", "why you look")
	return cmd
}

func runRetained(ctx context.Context, h *house, args rightsArgs, say *speaker) error {
	ref, err := refOf(args.People[0])
	if err != nil {
		return err
	}
	kind, value := identifierOf(ref)
	labels, err := h.vault.RetainedLabels(kind, value)
	if err != nil {
		return fault.Wrap(fault.Invalid, "That identifier cannot be used; give it as the events had it.", err)
	}
	now := h.clock()
	permit, err := tact.ForRetained(h.charter(), "command line", "admin", args.Purpose, now.Add(time.Minute))
	if err != nil {
		return fault.Wrap(fault.Refused, "The charter knows no legal obligation of that name: what is retained is closed to every other purpose.", err)
	}
	look, err := ledger.Seal(ledger.Look{At: now, Actor: permit.Actor(), Role: permit.Role(), Purpose: permit.Purpose(), Reason: args.Reason, Fields: []string{"retained"}, Count: 1, Filter: "somebody who was forgotten"}, h.vault.Home())
	if err != nil {
		return err
	}
	rows, err := h.store.RetainedOf(ctx, labels, args.Purpose, look)
	if err != nil {
		return err
	}
	for _, r := range rows {
		body, err := h.vault.OpenRetained(permit, now, r)
		if err != nil {
			return err
		}
		say.Printf("%s\n", body)
	}
	if len(rows) == 0 {
		say.Printf("Nothing is retained under that identifier for %s.\n", args.Purpose)
	}
	return nil
}

// identifierOf is the identifier that a reference names.
func identifierOf(r decide.Ref) (vault.IdentifierKind, string) {
	switch {
	case r.UserID != "":
		return vault.UserID, r.UserID
	case r.AnonymousID != "":
		return vault.AnonymousID, r.AnonymousID
	case r.Email != "":
		return vault.Email, r.Email
	}
	return vault.Phone, r.Phone
}
