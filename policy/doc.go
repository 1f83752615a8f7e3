// Package policy holds what the user wrote, as plain data: devices, blocks,
// chains, filters, match keys with masks, and actions. It knows the rules of
// what may be added, changed and deleted (the kernel's cls_api, cls_flower
// and act_api), and nothing of how a policy is run or how it is spelled.
package policy
