// Package pgtest gives tests a PostgreSQL of their own: a server in a temporary folder, reached by a socket in it,
// with syncing on as in production, gone when the test process is gone, however it ends.
//
// With RAPPORT_TEST_POSTGRES set to a server's URL that server is used instead. A machine without PostgreSQL fails the
// test with a sentence that says what to install; it never skips.
package pgtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

var (
	once   sync.Once
	server string // URL of the server's own database
	failed error
	number atomic.Int64
)

// URL gives the address of a new, empty schema for this test; it is dropped when the test ends.
func URL(t testing.TB) string {
	t.Helper()
	once.Do(func() { server, failed = start() })
	if failed != nil {
		t.Fatalf("PostgreSQL is needed for this test: %v", failed)
	}
	ctx := context.Background()
	name := fmt.Sprintf("rapport_%d_%d", os.Getpid(), number.Add(1))
	admin(t, ctx, "CREATE SCHEMA "+name)
	t.Cleanup(func() { admin(t, ctx, "DROP SCHEMA "+name+" CASCADE") })
	u, err := url.Parse(server)
	if err != nil {
		t.Fatalf("RAPPORT_TEST_POSTGRES must be a URL such as postgres://user@host/postgres: %v", err)
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

func admin(t testing.TB, ctx context.Context, statement string) {
	t.Helper()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatalf("the test's PostgreSQL does not answer: %v", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func start() (string, error) {
	if given := os.Getenv("RAPPORT_TEST_POSTGRES"); given != "" {
		return given, nil
	}
	p, err := prepare()
	if err != nil {
		return "", err
	}
	return p.launch("; rm -rf \"$2\"")
}

// place is a folder with an empty server that does not run yet.
type place struct {
	bin, dir string
	as       *syscall.SysProcAttr
}

func prepare() (p place, err error) {
	if p.bin, err = binaries(); err != nil {
		return p, err
	}
	if p.dir, err = os.MkdirTemp("", "rapport-pg-"); err != nil {
		return p, err
	}
	if p.as, err = owner(p.dir); err != nil {
		return p, err
	}
	log, err := p.log()
	if err != nil {
		return p, err
	}
	defer log.Close()
	initdb := exec.Command(filepath.Join(p.bin, "initdb"), "-D", filepath.Join(p.dir, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
	initdb.Dir, initdb.Stdout, initdb.Stderr, initdb.SysProcAttr = p.dir, log, log, p.as
	if err := initdb.Run(); err != nil {
		return p, fmt.Errorf("initdb failed, see %s: %w", log.Name(), err)
	}
	return p, nil
}

func (p place) log() (*os.File, error) {
	return os.OpenFile(filepath.Join(p.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

// launch starts the server and gives its address when it answers. after is done when it has ended.
func (p place) launch(after string) (string, error) {
	log, err := p.log()
	if err != nil {
		return "", err
	}
	defer log.Close()
	// The keeper outlives this process by a moment: when the pipe it reads from closes, it ends the server and tidies up.
	keeper := `"$1"/postgres -D "$2"/data -k "$2" -c listen_addresses= -c max_connections=100 -c shared_buffers=64MB -c max_wal_size=2GB &
read -r _
kill -INT $!
wait` + after
	cmd := exec.Command("/bin/sh", "-c", keeper, "keeper", p.bin, p.dir)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if p.as != nil {
		cmd.SysProcAttr.Credential = p.as.Credential
	}
	open, err := cmd.StdinPipe() // the keeper ends the server when this closes: with the test process
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	go func() {
		_ = cmd.Wait()
		_ = open.Close()
	}()
	address := "postgres://postgres@/postgres?host=" + url.QueryEscape(p.dir)
	for deadline := time.Now().Add(30 * time.Second); ; {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		conn, err := pgx.Connect(ctx, address)
		if err == nil {
			_ = conn.Close(ctx)
			cancel()
			return address, nil
		}
		cancel()
		if time.Now().After(deadline) {
			return "", fmt.Errorf("the server in %s does not start, see its log: %w", p.dir, err)
		}
		time.Sleep(20 * time.Millisecond) // waiting for another program's socket: there is nothing to be told by
	}
}

// binaries finds the newest PostgreSQL of the machine.
func binaries() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	version := func(p string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(p))))
		return n
	}
	sort.Slice(found, func(i, j int) bool { return version(found[i]) > version(found[j]) })
	if len(found) > 0 {
		return filepath.Dir(found[0]), nil
	}
	if p, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(p), nil
	}
	return "", fmt.Errorf("install it (apt-get install postgresql) or set RAPPORT_TEST_POSTGRES to a server's URL")
}

// owner gives the folder to the user postgres when we are root: PostgreSQL refuses to run as root.
func owner(dir string) (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root and there is no user postgres: %w", err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return nil, err
	}
	if err := os.Chown(dir, uid, gid); err != nil {
		return nil, err
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}
