package conntrack

// inert are sysctls of Linux that would change nothing here, and why.
var inert = map[string]string{
	"nf_conntrack_buckets":     "the index grows with the connections",
	"nf_conntrack_events":      "events are kept where somebody asks for them, as replay --events does",
	"nf_conntrack_log_invalid": "invalid packets are always counted by reason",
	"nf_conntrack_helper":      "Linux 6 has dropped it: helpers are assigned by policy alone",
}
