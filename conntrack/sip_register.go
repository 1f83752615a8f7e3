package conntrack

import "sluice/packet"

// A REGISTER tells the registrar where calls for somebody go (RFC 3261, 10).
// Calls from it are expected there from its consent on, for as long as it
// says.

// register expects calls at the contact of a request, once the registrar has
// consented (process_register_request). A contact elsewhere is nobody's
// business here.
func (m *sipMessage) register(seq uint32) bool {
	if m.c.Status&StatusExpected != 0 {
		return true
	}
	b, this, other := m.text(), m.tuple(m.dir), m.tuple(1-m.dir)
	expires, _, _, _ := sipExpires.num(b)
	contact, ok := sipContact.end(b, m.family())
	if !ok {
		return true
	}
	end := contact.at + contact.n
	if contact.addr != this.Src || !sipTransport(b, end, this.Proto) {
		return true
	}
	if v, _, n, bad := sipNumberParam(b, end, "expires="); bad {
		return false
	} else if n > 0 {
		expires = v
	}
	if expires != 0 {
		e := m.expectation(packet.Tuple{
			Src: other.Src, Dst: contact.addr, DPort: contact.port, Proto: this.Proto, Family: this.Family,
		})
		e.class, e.adopts, e.Flags = sipSignalling, m.x.helper, ExpectPermanent|ExpectInactive
		if m.translated() {
			if !m.translateContact(e, contact) {
				return false
			}
		} else if _, res := m.t.announce(m.now, e, false); res != expectOK {
			return false
		}
	}
	m.x.sip.register = seq
	return true
}

// registered follows the registrar's answer (process_register_response).
func (m *sipMessage) registered(seq, code uint32) bool {
	if seq != m.x.sip.register || code >= 100 && code <= 199 {
		return true
	}
	if code >= 200 && code <= 299 {
		b, to := m.text(), m.tuple(m.dir)
		all, _, _, _ := sipExpires.num(b)
		for w := (sipWalk{h: &sipContact}); ; {
			contact, ok := w.next(b, to.Family)
			if !ok {
				break
			}
			end := contact.at + contact.n
			if contact.addr != to.Dst || !sipTransport(b, end, to.Proto) {
				continue
			}
			v, _, n, bad := sipNumberParam(b, end, "expires=")
			if bad {
				return false
			}
			if n == 0 {
				v = all
			}
			if v == 0 {
				break
			}
			if m.renew(contact, v) {
				return true
			}
		}
	}
	m.flush(false)
	return true
}

// renew activates what is expected at a contact, for some seconds
// (refresh_signalling_expectation).
func (m *sipMessage) renew(contact sipEnd, seconds uint32) bool {
	for _, e := range m.x.waiting {
		if e.class == sipSignalling && e.Tuple.Dst == contact.addr && e.Tuple.DPort == contact.port {
			e.Flags &^= ExpectInactive
			m.t.renew(e, m.now+int64(seconds)*second)
			return true
		}
	}
	return false
}
