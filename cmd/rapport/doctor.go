package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/trust/vault"
)

func init() { register("doctor", runDoctor) }

// state is how good what was found is.
type state string

const (
	good state = "good"
	note state = "note" // worth knowing; nothing must be done
	mend state = "mend"
)

// finding is one thing that the doctor looked at.
type finding struct {
	Check string `json:"check"` // home, keys, disk, clock, database, certificates, charter, ledger or versions
	State state  `json:"state"`
	Says  string `json:"says"`
	Mend  string `json:"mend,omitempty"` // what to do
}

// findings gathers them.
type findings []finding

func (f *findings) good(check, format string, args ...any) {
	*f = append(*f, finding{check, good, fmt.Sprintf(format, args...), ""})
}

func (f *findings) note(check, says, do string) { *f = append(*f, finding{check, note, says, do}) }

func (f *findings) mend(check, says, do string) { *f = append(*f, finding{check, mend, says, do}) }

// examination is what the doctor is told, and the parts of the world that tests plant.
type examination struct {
	home      homeOptions
	cert, key string
	free      func(path string) (uint64, bool)
	now       func() time.Time
}

// What the doctor calls too little, too long and too far.
const (
	leastDisk   = 256 << 20
	longLog     = 512 << 20
	certSoon    = 21 * 24 * time.Hour
	clockBehind = time.Minute
)

func doctorCommand() *cobra.Command {
	x := examination{free: freeDisk, now: time.Now}
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor --home DIR",
		Short: "Look a home over: keys, disk, clock, database, certificates, charter, ledger, versions; exit 1 when something must be mended",
		Long: "Each finding comes with its mend. A home that is being served is looked over by its own process; one whose database waits to be\n" +
			"brought up to date is not opened.",
		Example: "  rapport doctor --home ./shop\n  rapport doctor --home ./shop --tls-cert cert.pem --tls-key key.pem --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if x.home.Home == "" {
				return usage{errors.New("say which home with --home DIR")}
			}
			if (x.cert == "") != (x.key == "") {
				return usage{errors.New("give --tls-cert and --tls-key together")}
			}
			return sayFindings(terminal(cmd), x.look(cmd.Context()), asJSON)
		},
	}
	homeFlags(cmd.Flags(), &x.home)
	cmd.Flags().StringVar(&x.cert, "tls-cert", "", "certificate file that serve is given")
	cmd.Flags().StringVar(&x.key, "tls-key", "", "its key file")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a finding")
	return cmd
}

func sayFindings(say *speaker, all findings, asJSON bool) error {
	wrong := 0
	for _, f := range all {
		if f.State == mend {
			wrong++
		}
		if asJSON {
			say.JSON(f)
			continue
		}
		say.Printf("%-5s %-13s %s\n", f.State, f.Check, f.Says)
		if f.Mend != "" {
			say.Printf("%19s %s\n", "", f.Mend)
		}
	}
	switch {
	case wrong > 0 && !asJSON:
		say.Printf("\n%d of %d must be mended.\n", wrong, len(all))
	case !asJSON:
		say.Printf("\nNothing must be mended.\n")
	}
	if wrong > 0 {
		return errSaid
	}
	return nil
}

// look examines from outside what needs no open home, and then has the home examine itself.
func (x *examination) look(ctx context.Context) findings {
	var f findings
	dir, err := filepath.Abs(x.home.Home)
	if err != nil || !isHome(dir) {
		f.mend("home", "There is no home in "+x.home.Home+".", "Name the right folder, restore a backup into it, or make a home with rapport init.")
		return f
	}
	x.home.Home = dir
	if info, err := os.Stat(dir); err == nil && info.Mode().Perm()&0o077 != 0 {
		f.mend("home", "Others than its owner can look into "+dir+".", "chmod 700 "+shellWord(dir))
	}
	keys := x.keys(&f)
	x.disk(&f)
	x.certificates(&f)
	proposal := x.proposal(&f)
	served := false
	if x.home.Database == "" {
		if conn, err := net.DialTimeout("unix", filepath.Join(dir, socketName), time.Second); err == nil {
			_ = conn.Close()
			served = true
		}
	}
	if !served && (!keys || !x.schema(&f)) {
		f.note("database", "The database and the ledger were not looked at, because of what is said above.", "Mend that, and ask again.")
		return f
	}
	var said strings.Builder
	err = perform(ctx, x.home, "doctor", doctorArgs{Version: version, Now: x.now(), Proposal: proposal}, &speaker{out: func(text string) error { said.WriteString(text); return nil }})
	var inside findings
	if err == nil {
		err = json.Unmarshal([]byte(said.String()), &inside)
	}
	if err != nil {
		f.mend("database", sentence(err), "If it is being served, restart it with this version; else restore a backup.")
	}
	return append(f, inside...)
}

// keys says whether they can be used.
func (x *examination) keys(f *findings) bool {
	dir := filepath.Join(x.home.Home, "keys")
	wrong := false
	entries, err := os.ReadDir(dir)
	if err != nil {
		f.mend("keys", "The folder keys cannot be read.", "chmod 700 "+shellWord(dir)+", as its owner.")
		return false
	}
	if info, err := os.Lstat(dir); err == nil && info.Mode().Perm()&0o077 != 0 {
		f.mend("keys", "Others than their owner can look into the folder keys.", "chmod 700 "+shellWord(dir))
		wrong = true
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().Perm()&0o077 != 0 {
			f.mend("keys", "Others than its owner can read keys/"+e.Name()+".", "chmod 600 "+shellWord(filepath.Join(dir, e.Name()))+"; if somebody else may have read it, treat the home as read.")
			wrong = true
		}
	}
	if wrong {
		return false
	}
	service, err := x.home.keyService()
	if err == nil {
		_, err = vault.Open(x.home.Home, service...)
	}
	switch {
	case errors.Is(err, vault.ErrKeyService):
		f.mend("keys", "The key service did not answer, so a process that starts now does not come up; one that is serving goes on: "+sentence(err), "Bring the service back, or look at its address (--kms), its token and the network.")
		return false
	case err != nil:
		f.mend("keys", "The keys cannot be used: "+strings.TrimPrefix(err.Error(), vault.ErrKeys.Error()+": ")+".", "Put the folder keys back from your copy of it, or restore a backup with its keys file.")
		return false
	}
	f.good("keys", "All key files are there, whole, and their owner's only.")
	return true
}

func (x *examination) disk(f *findings) {
	database := filepath.Join(x.home.Home, databaseDir)
	free, ok := x.free(x.home.Home)
	size := uint64(0)
	if entries, err := os.ReadDir(database); err == nil {
		for _, e := range entries {
			if info, err := e.Info(); err == nil {
				size += uint64(info.Size())
			}
		}
	}
	switch {
	case !ok:
		f.note("disk", "How much room the disk has left cannot be told here.", "")
	case free < leastDisk:
		f.mend("disk", fmt.Sprintf("The disk has %s left.", megabytes(free)), "Make room: when it is full, nothing is kept any more and decisions fall to a lower rung.")
	case free < 2*size:
		f.note("disk", fmt.Sprintf("The disk has %s left, and the database takes %s.", megabytes(free), megabytes(size)), "Rewriting the files after an erasure needs twice as much room again for a while.")
	default:
		f.good("disk", "%s left; the database takes %s.", megabytes(free), megabytes(size))
	}
}

func megabytes(n uint64) string { return fmt.Sprintf("%d MB", (n+1<<20-1)>>20) }

func (x *examination) certificates(f *findings) {
	if x.cert == "" {
		return
	}
	pair, err := tls.LoadX509KeyPair(x.cert, x.key)
	if err != nil {
		f.mend("certificates", "The certificate and its key cannot be used together: "+err.Error()+".", "Name the certificate with its chain, and the key that belongs to it, both as PEM.")
		return
	}
	now, leaf := x.now(), pair.Leaf
	switch {
	case now.After(leaf.NotAfter):
		f.mend("certificates", "The certificate ran out on "+leaf.NotAfter.Format("2 January 2006")+".", "Renew it; serve reads the new files by itself.")
	case now.Before(leaf.NotBefore):
		f.mend("certificates", "The certificate is good from "+leaf.NotBefore.Format("2 January 2006")+" only.", "Wait for that day, take the one before, or set the clock.")
	case leaf.NotAfter.Sub(now) < certSoon:
		f.note("certificates", "The certificate runs out on "+leaf.NotAfter.Format("2 January 2006")+".", "Renew it.")
	default:
		f.good("certificates", "Good until %s.", leaf.NotAfter.Format("2 January 2006"))
	}
	if info, err := os.Stat(x.key); err == nil && info.Mode().Perm()&0o077 != 0 {
		f.mend("certificates", "Others than its owner can read the certificate's key.", "chmod 600 "+shellWord(x.key))
	}
}

// proposal reads charter.yaml, and says what is wrong with it.
func (x *examination) proposal(f *findings) []byte {
	source, err := os.ReadFile(filepath.Join(x.home.Home, charterFile))
	if err != nil {
		f.mend("charter", "charter.yaml cannot be read.", "Put the file back: rapport charter show says what is in force, and a backup holds the file.")
		return nil
	}
	c, problems := charter.Parse(source)
	switch warnings := len(problems.Warnings()); {
	case c == nil:
		f.mend("charter", fmt.Sprintf("charter.yaml has %d errors, so it could not be accepted.", len(problems.Errors())), "rapport charter check --home "+shellWord(x.home.Home))
	case warnings > 0:
		f.note("charter", fmt.Sprintf("charter.yaml stands, with %d warnings.", warnings), "rapport charter check --home "+shellWord(x.home.Home))
	default:
		f.good("charter", "charter.yaml stands.")
	}
	return source
}

// schema says whether opening the home would change its database: then it is not opened.
func (x *examination) schema(f *findings) bool {
	if x.home.Database != "" {
		return true // opened by many: whoever came first has brought it up to date
	}
	written, err := store.Written(filepath.Join(x.home.Home, databaseDir))
	if err != nil {
		f.mend("database", "The database's files cannot be read: "+err.Error()+".", "Restore a backup; if you have none, copy the folder away before anything else is tried.")
		return false
	}
	for part, ours := range store.Schema() {
		switch theirs, ok := written[part]; {
		case !ok:
		case theirs > ours:
			f.mend("database", "The database was made by a newer rapport.", "Use that one, or restore an older backup.")
			return false
		case theirs < ours:
			f.mend("database", "The database waits to be brought up to date by this version.", "Make a copy of the home, then open it with any command, such as rapport serve.")
			return false
		}
	}
	return true
}

type doctorArgs struct {
	Version  string
	Now      time.Time
	Proposal []byte
}

// runDoctor is what the home says of itself.
func runDoctor(ctx context.Context, h *house, args doctorArgs, say *speaker) error {
	var f findings
	health, err := h.store.Health(ctx)
	switch {
	case err != nil:
		f.mend("database", "The database cannot be checked: "+sentence(err)+".", "Look at the disk and at the log; restore a backup if it stays so.")
	case len(health.Damage) > 0:
		f.mend("database", fmt.Sprintf("%s finds damage in its files: %s.", health.Engine, health.Damage[0]), "Stop the process, keep the files for whoever looks into it, and restore a backup.")
	default:
		f.good("database", "%s, whole: %s.", health.Engine, megabytes(uint64(health.Bytes)))
	}
	if health.Log > longLog {
		f.note("database", "The write-ahead logs have grown to "+megabytes(uint64(health.Log))+".", "Something reads for very long: it empties itself when that ends.")
	}
	latest := health.Latest.Time()
	if behind := latest.Sub(args.Now); health.Latest != 0 && behind > clockBehind {
		f.mend("clock", fmt.Sprintf("The clock is %s behind what the home has written already.", behind.Round(time.Second)), "Set the clock, and have it kept by NTP: permission and retention go by it.")
	} else {
		f.good("clock", "Not behind what the home has written.")
	}
	inForce := h.charter()
	if args.Proposal != nil {
		if c, _ := charter.Parse(args.Proposal); c != nil && c.Hash != inForce.Hash {
			f.note("charter", fmt.Sprintf("Charter %d is in force, and charter.yaml is another: a proposal.", inForce.Position), "rapport charter diff shows what it would change; rapport charter accept puts it in force.")
		}
	}
	rep, _, err := h.verifyLedger(ctx, "doctor", nil)
	switch {
	case err != nil:
		f.mend("ledger", "The ledger cannot be verified: "+sentence(err)+".", "rapport ledger verify says more.")
	case !rep.OK():
		f.mend("ledger", fmt.Sprintf("The ledger is not whole: %d faults, first at entry %d: %s.", len(rep.Problems), rep.Problems[0].Number, rep.Problems[0].Says), "Somebody changed the database, or a backup of part of it was put back: compare with a backup, and find out who.")
	default:
		f.good("ledger", "%d entries, whole.", rep.Size)
	}
	if all, err := h.anchors(ctx); err == nil {
		anchorFindings(&f, all, h.clock())
	}
	if args.Version != version {
		f.mend("versions", "The home is served by rapport "+version+", and this is "+args.Version+".", "Restart the serving process with this version.")
	} else {
		schema := store.Schema()
		f.good("versions", "rapport %s, schema %d and %d, charter %d, %s %s/%s.", version, schema["main"], schema["history"], inForce.Position, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	}
	say.JSON(f)
	return nil
}
