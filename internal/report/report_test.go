package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// example is a page with two runs.
func example() *Page {
	p := &Page{Title: "sluice sim", About: []Fact{{"workload", "idle,conns=10M,active=2M"}, {"device", "mlx5,flows=2M"}}}
	for k, name := range []string{"none", "packets=20,lru"} {
		r := Run{Name: name, Reasons: []string{"the device is full", "too few packets"}, Facts: []Fact{{"would forward", fmt.Sprint(5+k*17, " M packets/s")}}}
		for i := range 60 {
			share := float64(k+1) / 2 * (1 - math.Exp(-float64(i)/10))
			n := 1e6 * (1 + 0.1*math.Sin(float64(i)/5))
			s := Sample{
				At: int64(i+1) * 1e9, Length: 1e9, NewConns: 500_000, Insertions: uint64(1e5 * (1 - share)), Refusals: []uint64{uint64(i * 1000), 5000},
				Conns: min(500_000*(i+1), 10_000_000), Flows: 4_000_000, Held: min(100_000*i, 2_000_000), Limit: 2_000_000, Pending: 65536 * (1 - k), Queue: 1000 * k,
			}
			s.Packets = [NumTiers]uint64{uint64(n * share), uint64(n * (1 - share) * 0.8), uint64(n * (1 - share) * 0.2), uint64(k * 1000)}
			for t := range s.Bytes {
				s.Bytes[t] = s.Packets[t] * 114
			}
			r.Samples = append(r.Samples, s)
		}
		for n := uint64(1 << 16); n > 0; n /= 2 {
			r.Sizes = append(r.Sizes, Size{Conns: 1 << 17 / n, Packets: 1 << 17})
		}
		p.Runs = append(p.Runs, r)
	}
	return p
}

func write(t testing.TB, p *Page) string {
	t.Helper()
	var b strings.Builder
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// wellFormed parses a page as XML: everything that is opened is closed.
func wellFormed(text string) error {
	d := xml.NewDecoder(strings.NewReader(text))
	d.Entity = xml.HTMLEntity
	for {
		if _, err := d.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func TestPageStandsAlone(t *testing.T) {
	text := write(t, example())
	if err := wellFormed(text); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"http:", "https:", "src=", "href=", "url(", "@import", "<script", "ZgotmplZ", "NaN", "Inf"} {
		if strings.Contains(text, bad) {
			t.Errorf("the page has %q in it", bad)
		}
	}
	for _, want := range []string{"prefers-color-scheme: dark", "Packets carried by the device", "Bytes carried by the device", "Flows in the device",
		"Pending: waiting for room", "Queue: waiting for their turn", "New connections", "Insertions refused", "too few packets", "Elephants and mice", "would forward", "22 M packets/s", "packets, no ct"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	plots, tables := strings.Count(text, "<svg"), strings.Count(text, "<details>")
	if plots != tables || plots < 10 {
		t.Errorf("%d plots and %d tables below them", plots, tables)
	}
	if out := os.Getenv("REPORT_OUT"); out != "" { // to be looked at
		if err := os.WriteFile(out, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNamesAreEscaped(t *testing.T) {
	p := example()
	p.Runs[0].Name = `<script>alert("x")</script>`
	p.Runs[0].Reasons[0] = `</table>&`
	text := write(t, p)
	if strings.Contains(text, "<script") || strings.Contains(text, "</table>&<") {
		t.Error("a name became markup")
	}
	if err := wellFormed(text); err != nil {
		t.Error(err)
	}
}

var coordinates = regexp.MustCompile(`[ML](-?[0-9.]+) (-?[0-9.]+)`)

// Whatever the numbers, curves stay within their plots.
func TestPlotsStayInside(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := example()
		r := &p.Runs[0]
		r.Samples = r.Samples[:rapid.IntRange(0, 4).Draw(t, "samples")]
		for i := range r.Samples {
			s := &r.Samples[i]
			s.Length = rapid.Int64Range(0, 1e10).Draw(t, "length")
			for k := range s.Packets {
				s.Packets[k] = rapid.Uint64Range(0, 1<<40).Draw(t, "packets")
			}
			s.Held = rapid.IntRange(0, 1e9).Draw(t, "held")
		}
		r.Sizes = r.Sizes[:rapid.IntRange(0, 3).Draw(t, "sizes")]
		if rapid.Bool().Draw(t, "empty") {
			p.Runs = p.Runs[:rapid.IntRange(0, 1).Draw(t, "runs")]
		}
		var b strings.Builder
		if err := p.Write(&b); err != nil {
			t.Fatal(err)
		}
		text := b.String()
		if err := wellFormed(text); err != nil {
			t.Fatal(err)
		}
		for _, m := range coordinates.FindAllStringSubmatch(text, -1) {
			var x, y float64
			fmt.Sscan(m[1], &x)
			fmt.Sscan(m[2], &y)
			if x < marginLeft-0.1 || x > width-marginRight+0.1 || y < marginTop-0.1 || y > height-marginBottom+0.1 {
				t.Fatalf("a point at %v, %v", x, y)
			}
		}
	})
}

func TestRankCurve(t *testing.T) {
	// One connection of 90 packets, nine of ten in all.
	l := rankCurve([]Size{{1, 90}, {9, 10}})
	for _, c := range []struct{ rank, share float64 }{{0.1, 0.9}, {1, 1}, {0.05, 0.45}, {0.55, 0.95}} {
		if got := l.atRank(c.rank); math.Abs(got-c.share) > 1e-9 {
			t.Errorf("the largest %v have %v, want %v", c.rank, got, c.share)
		}
	}
}

func TestShort(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.25: "0.25", 7: "7", 9999: "9999", 10000: "10k", 123456: "123k", 999_600: "1M", 1234567: "1.23M", 23e6: "23M", 5e9: "5G", 0.2 * 3: "0.6"} {
		if got := short(v); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
}
