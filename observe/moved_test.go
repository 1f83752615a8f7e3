package observe_test

import (
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/datapath/datapathtest"
	"sluice/observe"
	"sluice/offload"
)

// TestC15_moves: what the kernel has no events for stands among the others in
// every format, and says which device and why.
func TestC15_moves(t *testing.T) {
	r := datapathtest.New(t, datapathtest.HTTPPolicy...)
	tr := r.E.Tracker()
	tr.Listen(64)
	r.Handshake(40000)
	for ref := range tr.Known() {
		tr.Moved(r.Now, ref, conntrack.EventHWOffload, tr.DeviceNumber("nic1"), 0)
		tr.Moved(r.Now, ref, conntrack.EventBack, tr.DeviceNumber("nic1"), uint8(offload.Idle))
	}
	f := observe.Format{}
	var lines, xml, js []string
	for _, e := range tr.Events(0) {
		x := observe.Happened(e, true)
		x.Device = tr.DeviceName(e.Device)
		lines = append(lines, string(f.AppendLine(nil, &x)))
		xml = append(xml, string(f.AppendXML(nil, &x)))
		js = append(js, string(f.AppendJSON(nil, &x)))
	}
	all := strings.Join(lines, "\n")
	for i, tag := range []string{"[NEW]", "[UPDATE]", "[UPDATE]", "[OFFLOAD]", "[HW_OFFLOAD]", "[BACK]"} {
		if i >= len(lines) || !strings.HasPrefix(strings.TrimLeft(lines[i], " "), tag+" tcp") {
			t.Fatalf("line %d is not of %s:\n%s", i, tag, all)
		}
	}
	for what, ok := range map[string]bool{
		"device":       strings.HasSuffix(lines[4], " device=nic1"),
		"reason":       strings.HasSuffix(lines[5], ` device=nic1 reason="idle"`),
		"xml":          strings.HasPrefix(xml[3], `<flow type="offload">`) && strings.HasPrefix(xml[5], `<flow type="back">`),
		"json":         strings.Contains(js[4], `"event":"hw_offload"`) && strings.Contains(js[4], `"device":"nic1"`),
		"json, reason": strings.Contains(js[5], `"event":"back"`) && strings.Contains(js[5], `"reason":"idle"`) && strings.Contains(js[5], `"changed":["back"]`),
	} {
		if !ok {
			t.Errorf("%s:\n%s\n%s\n%s", what, all, strings.Join(xml, "\n"), strings.Join(js, "\n"))
		}
	}
}

// TestB018_backlog shows what waits for devices as the kernel does.
func TestB018_backlog(t *testing.T) {
	r := datapathtest.New(t, datapathtest.HTTPPolicy...)
	want := "wq_add   wq_del   wq_stats\n       0        0        0\n"
	if got := string(observe.AppendFlowtableStat(nil, r.E.Flows())); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
