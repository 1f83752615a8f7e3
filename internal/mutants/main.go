// Command mutants asks whether the tests notice small faults: it draws places
// in the rooms that judge packets, changes one operator, constant, condition
// or statement at a time, and runs the tests of the package and the recorded
// kernel cases against each changed program. A change that no test notices
// survives and is printed. More survivors than one in ten fail the command.
//
// Changes that cannot alter what the program does are argued one by one in
// equivalent.txt and not counted.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

const rooms = "conntrack,datapath,flowtable,packet,policy,driver/sim"

func main() {
	n := flag.Int("n", 60, "how many mutants to run")
	seed := flag.Uint64("seed", 0, "what draws them; 0 takes one from the clock")
	in := flag.String("in", rooms, "folders or files to draw from, separated by commas")
	parallel := flag.Int("p", runtime.NumCPU(), "how many to run at a time")
	near := flag.Bool("near", false, "run the package's own tests and the recorded cases alone: quicker, and stricter")
	list := flag.Bool("list", false, "print the mutants that are drawn, and run none")
	flag.Parse()
	if flag.NArg() > 0 || *n < 1 || *parallel < 1 {
		fmt.Fprintln(os.Stderr, "mutants: expected -n and -p of at least 1 and nothing behind the flags")
		os.Exit(2)
	}
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ok, err := run(ctx, *n, *seed, *parallel, strings.Split(*in, ","), *near, *list)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(2)
	case !ok:
		os.Exit(1)
	}
}

// run draws and runs the mutants; ok says that at most one in ten survived.
func run(ctx context.Context, n int, seed uint64, parallel int, in []string, near, list bool) (ok bool, err error) {
	all, err := points(".", in)
	if err != nil {
		return false, err
	}
	argued, err := equivalents()
	if err != nil {
		return false, err
	}
	fmt.Printf("seed %d: %d of %d mutants of %s\n", seed, n, len(all), strings.Join(in, ", "))
	r := rand.New(rand.NewPCG(seed, 0))
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	if list {
		for _, m := range all[:min(n, len(all))] {
			fmt.Println(m)
		}
		return true, nil
	}
	lab, err := newLab(ctx, ".")
	if err != nil {
		return false, err
	}
	defer lab.close()
	lab.near = near
	t := &tally{want: n, argued: argued, queue: all}
	var wg sync.WaitGroup
	for range parallel {
		wg.Go(func() {
			for m, ok := t.next(); ok; m, ok = t.next() {
				fate, err := lab.try(ctx, m)
				t.note(m, fate, err)
			}
		})
	}
	wg.Wait()
	if t.err != nil {
		return false, t.err
	}
	done := t.killed + t.survived
	if done == 0 {
		return false, fmt.Errorf("no mutant of %s builds", strings.Join(in, ", "))
	}
	fmt.Printf("%d mutants: %d killed, %d survived (%.1f %%); besides, %d argued equivalent, %d did not build\n",
		done, t.killed, t.survived, 100*float64(t.survived)/float64(done), t.equivalent, t.unbuilt)
	return t.survived*10 <= done, nil
}

// tally hands out mutants until as many as wanted have been judged.
type tally struct {
	mu                                    sync.Mutex
	queue                                 []mutant
	argued                                map[string]string
	want, busy                            int
	killed, survived, equivalent, unbuilt int
	err                                   error
}

func (t *tally) next() (mutant, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.err == nil && len(t.queue) > 0 && t.killed+t.survived+t.busy < t.want {
		m := t.queue[0]
		t.queue = t.queue[1:]
		if t.argued[m.key()] != "" {
			t.equivalent++
			continue
		}
		t.busy++
		return m, true
	}
	return mutant{}, false
}

func (t *tally) note(m mutant, f fate, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy--
	switch {
	case err != nil:
		if t.err == nil {
			t.err = err
		}
	case f == unbuilt:
		t.unbuilt++
	case f == killed:
		t.killed++
	default:
		t.survived++
		fmt.Println("survived:", m)
	}
}
