package workload

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Parse reads workloads in words: a kind, and its parameters where they shall
// differ from the usual ones; several kinds that run together are joined by +.
//
//	web,rate=20000/s
//	idle,conns=10M,active=2M + synflood,rate=1M/s,start=30s
func Parse(text string) ([]Part, error) {
	var parts []Part
	for word := range strings.SplitSeq(text, "+") {
		p, err := parsePart(strings.TrimSpace(word))
		if err != nil {
			return nil, fmt.Errorf("workload %q: %w", strings.TrimSpace(word), err)
		}
		parts = append(parts, p)
	}
	if len(parts) > maxParts {
		return nil, fmt.Errorf("workload: %d kinds of traffic at once: want at most %d", len(parts), maxParts)
	}
	return parts, nil
}

func parsePart(text string) (Part, error) {
	name, rest, more := strings.Cut(text, ",")
	k, err := kindOf(strings.TrimSpace(name))
	if err != nil {
		return Part{}, err
	}
	p := kinds[k].def
	p.Kind = k
	seen := map[string]bool{}
	for more {
		var word string
		word, rest, more = strings.Cut(rest, ",")
		key, value, ok := strings.Cut(strings.TrimSpace(word), "=")
		if !ok {
			return Part{}, fmt.Errorf("%q: want KEY=VALUE with one of %s", word, strings.ReplaceAll(kinds[k].keys, " ", ", "))
		}
		if !kinds[k].takes(key) {
			return Part{}, fmt.Errorf("%s has no %q; it takes %s", k, key, strings.ReplaceAll(kinds[k].keys, " ", ", "))
		}
		if seen[key] {
			return Part{}, fmt.Errorf("%s= is there twice", key)
		}
		seen[key] = true
		for i := range params {
			if q := &params[i]; q.name == key {
				if err := q.parse(&p, value); err != nil {
					return Part{}, fmt.Errorf("%s=%s: %w", key, value, err)
				}
			}
		}
	}
	return p, p.settle()
}

func kindOf(name string) (Kind, error) {
	var names []string
	for i := range kinds {
		if kinds[i].name == name {
			return Kind(i), nil
		}
		names = append(names, kinds[i].name)
	}
	return 0, fmt.Errorf("no workload is called %q; there are %s", name, strings.Join(names, ", "))
}

// parse reads a value and checks its bounds.
func (q *param) parse(p *Part, text string) error {
	var v float64
	var err error
	switch q.unit {
	case span:
		v, err = parseSpan(text)
	case rate:
		v, err = Number(strings.TrimSuffix(text, "/s"))
		if err != nil {
			err = fmt.Errorf("want a rate, such as 20000/s or 1M/s")
		}
	default:
		v, err = Number(text)
		if err == nil && q.unit == count && v != float64(int64(v)) {
			err = fmt.Errorf("want a whole number, such as 5000 or 10M")
		}
	}
	if err != nil {
		return err
	}
	if !(v >= q.min && v <= q.max) {
		return fmt.Errorf("want %s to %s", q.text(q.min), q.text(q.max))
	}
	q.set(p, v)
	return nil
}

func (q *param) text(v float64) string {
	switch q.unit {
	case span:
		return spanText(int64(v))
	case rate:
		return si(v) + "/s"
	}
	return si(v)
}

// Number reads a number with k, M or G behind it.
func Number(text string) (float64, error) {
	scale, digits := 1.0, text
	if n := len(text); n > 0 {
		switch text[n-1] {
		case 'k', 'K':
			scale = 1e3
		case 'm', 'M':
			scale = 1e6
		case 'g', 'G':
			scale = 1e9
		}
		if scale != 1 {
			digits = text[:n-1]
		}
	}
	v, err := strconv.ParseFloat(digits, 64)
	// ParseFloat also takes words such as inf, and hexadecimal.
	if err != nil || strings.Trim(digits, "0123456789.eE+-") != "" {
		return 0, fmt.Errorf("want a number, such as 5000, 20k or 10M")
	}
	return v * scale, nil
}

// parseSpan reads a duration; a bare number is seconds.
func parseSpan(text string) (float64, error) {
	if v, err := strconv.ParseUint(text, 10, 32); err == nil {
		return float64(v) * float64(second), nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("want a time, such as 20ms or 60s")
	}
	return float64(d), nil
}

func spanText(ns int64) string {
	if ns != 0 && ns%second == 0 {
		return strconv.FormatInt(ns/second, 10) + "s"
	}
	return time.Duration(ns).String()
}

// Help lists all kinds with their parameters.
func Help() string {
	var b strings.Builder
	for i := range kinds {
		k := &kinds[i]
		fmt.Fprintf(&b, "  %-11s %s\n  %-11s   %s\n", k.name, k.what, "", strings.ReplaceAll(k.keys, " ", ", "))
	}
	b.WriteString("\n")
	for i := range params {
		fmt.Fprintf(&b, "  %-11s %s\n", params[i].name+"=", params[i].what)
	}
	return b.String()
}
