package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// fate is what became of a mutant.
type fate int

const (
	survived fate = iota
	killed
	unbuilt
)

// recorded is the package that runs the cases recorded from a real kernel.
const recorded = "./internal/conform"

// memory bounds what a mutant that runs wild may take, in bytes.
const memory = 6 << 30

// lab is a copy of the project in which mutants are tried: tests may leave
// files beside their package.
type lab struct {
	dir   string
	exec  []string // bounds a test's memory, where the machine can
	deps  []pack
	near  bool // ask the nearest witnesses alone
	mu    sync.Mutex
	plain map[string]*baseline // by package: how the unchanged one does
}

// pack is what `go list` tells of a package.
type pack struct {
	Dir, ImportPath                 string
	Deps, TestImports, XTestImports []string
	TestGoFiles, XTestGoFiles       []string
	imports                         map[string]bool // what its tests reach
}

// baseline is what a package's tests take without a change.
type baseline struct {
	once  sync.Once
	took  time.Duration
	rapid bool // its tests know rapid's flags
	err   error
}

func newLab(ctx context.Context, root string) (*lab, error) {
	files, err := exec.CommandContext(ctx, "git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return nil, fmt.Errorf("list the project's files: %w", err)
	}
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return nil, err
	}
	l := &lab{dir: dir, plain: map[string]*baseline{}}
	for f := range strings.SplitSeq(strings.TrimRight(string(files), "\x00"), "\x00") {
		if err := copyFile(filepath.Join(root, f), filepath.Join(dir, "tree", f)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			l.close()
			return nil, err
		}
	}
	if l.deps, err = l.packages(ctx); err != nil {
		l.close()
		return nil, err
	}
	if p, err := exec.LookPath("prlimit"); err == nil {
		l.exec = []string{"-exec", fmt.Sprintf("%s --data=%d", p, int64(memory))}
	}
	return l, nil
}

func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o644)
}

func (l *lab) close() { os.RemoveAll(l.dir) }

// try runs the tests against one mutant: its package's, then the recorded
// cases, then those of all packages that stand on it.
func (l *lab) try(ctx context.Context, m mutant) (fate, error) {
	dir, err := os.MkdirTemp(l.dir, "m")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(l.dir, "tree", filepath.FromSlash(m.file))
	src, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	if m.end > len(src) || string(src[m.start:m.end]) != m.was {
		return 0, fmt.Errorf("%s changed while mutants were drawn", m.file)
	}
	changed := filepath.Join(dir, "changed.go")
	overlay := filepath.Join(dir, "overlay.json")
	text := string(src[:m.start]) + m.with + string(src[m.end:])
	o, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	if err != nil {
		return 0, err
	}
	if err := errors.Join(os.WriteFile(changed, []byte(text), 0o644), os.WriteFile(overlay, o, 0o644)); err != nil {
		return 0, err
	}
	for _, pkg := range l.witnesses(m.pkg()) {
		b := l.baseline(ctx, pkg)
		if b.err != nil {
			return 0, b.err
		}
		out, err := l.test(ctx, pkg, b, "-overlay", overlay)
		switch {
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case err != nil && bytes.Contains(out, []byte("[build failed]")):
			return unbuilt, nil
		case err != nil:
			return killed, nil
		}
	}
	return survived, nil
}

// packages asks the go command for every package and what its tests reach.
func (l *lab) packages(ctx context.Context) ([]pack, error) {
	c := exec.CommandContext(ctx, "go", "list", "-json=Dir,ImportPath,Deps,TestImports,XTestImports,TestGoFiles,XTestGoFiles", "./...")
	c.Dir = filepath.Join(l.dir, "tree")
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("list the project's packages: %w", err)
	}
	var all []pack
	byPath := map[string][]string{}
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p pack
		if err := dec.Decode(&p); err != nil {
			return nil, fmt.Errorf("read what go list prints: %w", err)
		}
		byPath[p.ImportPath] = p.Deps
		all = append(all, p)
	}
	for i, p := range all {
		reach := map[string]bool{}
		for _, im := range slices.Concat([]string{p.ImportPath}, p.TestImports, p.XTestImports) {
			reach[im] = true
			for _, d := range byPath[im] {
				reach[d] = true
			}
		}
		all[i].imports = reach
	}
	return all, nil
}

func (l *lab) path(p pack) string {
	rel, err := filepath.Rel(filepath.Join(l.dir, "tree"), p.Dir)
	if err != nil {
		return p.Dir
	}
	return "./" + filepath.ToSlash(rel)
}

// slow are packages whose tests take long and run the program as a whole:
// what only they notice, counts as unnoticed.
var slow = []string{"./cmd/sluice", "./internal/bench", "./internal/benchgate", "./internal/benchovs", "./internal/mutants", "./lab"}

// witnesses lists the packages whose tests can notice a mutant in pkg, the
// likeliest first.
func (l *lab) witnesses(pkg string) []string {
	first := []string{pkg, recorded}
	if l.near {
		return first
	}
	var out []string
	for _, p := range l.deps {
		if l.path(p) != pkg {
			continue
		}
		for _, o := range l.deps {
			name := l.path(o)
			if o.imports[p.ImportPath] && len(o.TestGoFiles)+len(o.XTestGoFiles) > 0 && !slices.Contains(slow, name) && !slices.Contains(first, name) {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return append(first, out...)
}

// baseline runs the unchanged package's tests once: they must pass, and their
// time says when a mutant hangs.
func (l *lab) baseline(ctx context.Context, pkg string) *baseline {
	l.mu.Lock()
	b := l.plain[pkg]
	if b == nil {
		b = &baseline{}
		l.plain[pkg] = b
	}
	l.mu.Unlock()
	b.once.Do(func() {
		for _, p := range l.deps {
			if l.path(p) == pkg {
				b.rapid = slices.Contains(p.TestImports, "pgregory.net/rapid") || slices.Contains(p.XTestImports, "pgregory.net/rapid")
			}
		}
		b.took = 2 * time.Minute
		start := time.Now()
		out, err := l.test(ctx, pkg, b)
		b.took = time.Since(start)
		if err != nil {
			b.err = fmt.Errorf("tests of %s fail without a mutant:\n%s", pkg, out)
		}
	})
	return b
}

func (l *lab) test(ctx context.Context, pkg string, b *baseline, flags ...string) ([]byte, error) {
	limit := 4*b.took + 30*time.Second
	args := append([]string{"test", "-trimpath", "-ldflags=-w", "-vet=off", "-count=1", "-failfast", "-timeout", limit.String()}, l.exec...)
	args = append(append(args, flags...), pkg)
	if b.rapid {
		args = append(args, "-rapid.nofailfile")
	}
	c := exec.CommandContext(ctx, "go", args...)
	c.Dir = filepath.Join(l.dir, "tree")
	c.WaitDelay = 10 * time.Second
	return c.CombinedOutput()
}
