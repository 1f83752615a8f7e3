// Package observe shows what the tracker holds: in the text of
// /proc/net/nf_conntrack and /proc/net/stat/nf_conntrack, which users and
// their scripts know, and in a JSON form whose fields do not come and go.
package observe
