// Package lab builds small networks out of Linux network namespaces and puts
// real traffic through them, for recording captures and for live tests.
//
// The network has the shape that the policies speak of: a client outside, a
// server in a "VM", and between them a switch whose two ports are named like a
// SmartNIC's representors. The switch is this program: it reads frames from
// one port's packet socket and writes them to the other's, so that whatever it
// records is exactly what came in on each port.
//
//	client ── eth0 ══ uplink_rep ── switch ── vf0_rep ══ eth0 ── server
//
// Everything here needs Linux, root and ip(8); Available says whether they are
// there.
package lab
