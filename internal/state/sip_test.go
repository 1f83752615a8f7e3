package state

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"

	"sluice/conntrack"
	"sluice/packet"
	"sluice/packet/packettest"
)

// phone judges one packet of a translated connection with SIP's helper.
func (w *world) phone(t *testing.T, frame []byte) []byte {
	t.Helper()
	w.now += 1e6
	var h packet.Headers
	var ct packet.CT
	packet.Parse(frame, &h)
	h.Hash = w.t.Hash(&h.Tuple)
	if r := w.t.In(w.now, frame, &h, 0, &ct); r != conntrack.Accept || ct.Conn == 0 {
		t.Fatalf("In: %v, %v", r, ct.Conn)
	}
	r, commit := &conntrack.NATRange{}, ct.Info == packet.CTNew || ct.Info == packet.CTRelated
	if ct.Info == packet.CTNew {
		a := packet.AddrFrom(netip.MustParseAddr(outside))
		r = &conntrack.NATRange{Manip: conntrack.SrcNAT, HasAddr: true, Family: packet.IPv4, Min: a, Max: a}
	}
	if _, res := w.t.NAT(w.now, frame, &h, &ct, r, commit); res != conntrack.Accept {
		t.Fatalf("NAT: %v", res)
	}
	w.t.SetHelper(ct.Conn, conntrack.SIP, packet.IPv4)
	out, ok := w.t.Help(w.now, frame, make([]byte, len(frame)+conntrack.MaxGrowth), &h, &ct)
	if !ok {
		t.Fatal("Help drops")
	}
	if r := w.t.Confirm(w.now, &ct); r != conntrack.Accept {
		t.Fatalf("Confirm: %v", r)
	}
	w.t.Discard(&ct)
	return bytes.Clone(out)
}

// TestSIPState: calls and registrations under way survive, with where their
// media really go.
func TestSIPState(t *testing.T) {
	text := func(first, more, body string) string {
		return fmt.Sprintf("%s\r\n%sContent-Length: %d\r\n\r\n%s", first, more, len(body), body)
	}
	sdp := func(addr string, port int) string {
		return fmt.Sprintf("v=0\r\no=u 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %[1]s\r\nt=0 0\r\nm=audio %d RTP/AVP 0\r\n", addr, port)
	}
	udp := packettest.UDP
	steps := [][]byte{
		udp(client, server, 5060, 5060, text("REGISTER sip:"+server+" SIP/2.0", "CSeq: 1 REGISTER\r\nContact: <sip:a@"+client+":5060>;expires=60\r\n", "")),
		udp(server, outside, 5060, 5060, text("SIP/2.0 200 OK", "CSeq: 1 REGISTER\r\nContact: <sip:a@"+outside+":5060>;expires=60\r\n", "")),
		udp(client, server, 5060, 5060, text("INVITE sip:b@"+server+" SIP/2.0", "CSeq: 2 INVITE\r\nContact: <sip:a@"+client+">\r\n", sdp(client, 4000))),
		udp(server, outside, 5060, 5060, text("SIP/2.0 200 OK", "CSeq: 2 INVITE\r\n", sdp(server, 6000))),
		udp(server, outside, 6000, 4000, "media"),
		udp(server, outside, 5060, 5060, text("SIP/2.0 486 Busy", "CSeq: 2 INVITE\r\n", "")),
	}
	for cut := range steps {
		w := &world{t: conntrack.New(conntrack.Config{Seed: [2]uint64{5, ^uint64(5)}, Settings: conntrack.DefaultSettings()}), now: 1e18}
		for _, f := range steps[:cut] {
			w.phone(t, bytes.Clone(f))
		}
		saved := w.bytes(t)
		st, err := Read(bytes.NewReader(saved))
		if err != nil {
			t.Fatalf("after %d packets: %v", cut, err)
		}
		twin := &world{t: st.Tracker, now: st.Clock.Now}
		for i, f := range steps[cut:] {
			a, b := w.phone(t, bytes.Clone(f)), twin.phone(t, bytes.Clone(f))
			if !bytes.Equal(a, b) {
				t.Errorf("after %d packets, packet %d: %q, saved %q", cut, cut+i, a, b)
			}
			if cut+i == 4 && !bytes.Contains(a, netip.MustParseAddr(client).AsSlice()) {
				t.Errorf("media do not go to the client: %x", a)
			}
		}
		if got, want := twin.bytes(t), w.bytes(t); !bytes.Equal(got, want) {
			t.Errorf("in the end\n%s\nwant\n%s", got, want)
		}
		if n := len(w.t.Expectations(w.now)); n != 1 {
			t.Errorf("%d expectations remain, want the registration's", n)
		}
		for _, x := range []*world{w, twin} {
			if errs := x.t.Check(); len(errs) > 0 {
				t.Error(errs)
			}
		}
	}
}
