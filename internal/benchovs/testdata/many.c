/* ovsmany CONNS PACKETS: ns a packet of Open vSwitch's userspace connection
 * tracker for CONNS established UDP connections, both directions, in random order,
 * in batches of 32, and of a new one. benchovs builds it in a tree of Open
 * vSwitch's sources. */
#include <config.h>
#include "conntrack.h"
#include "csum.h"
#include "dp-packet.h"
#include "fatal-signal.h"
#include "flow.h"
#include "packets.h"
#include "timeval.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BATCH = NETDEV_MAX_BURST };

static const char frame[] =
    "02000000000b02000000000a0800"
    "4500002000004000401100000a000001c0a80001"
    "04000050000c0000" "00000000";

static struct dp_packet *pkts[BATCH];
static struct conntrack *ct;

/* A packet of connection n; no UDP checksum, as one may over IPv4. */
static void
address(struct dp_packet *p, uint32_t n, bool reply)
{
    struct ip_header *ip = dp_packet_l3(p);
    struct udp_header *udp = dp_packet_l4(p);
    ovs_be32 client = htonl(0x0a000000 | n / 16384), server = htonl(0xc0a80001);
    ovs_be16 port = htons(1024 + n % 16384);

    put_16aligned_be32(&ip->ip_src, reply ? server : client);
    put_16aligned_be32(&ip->ip_dst, reply ? client : server);
    udp->udp_src = reply ? htons(80) : port;
    udp->udp_dst = reply ? port : htons(80);
    ip->ip_csum = 0;
    ip->ip_csum = csum(ip, sizeof *ip);
    pkt_metadata_init_conn(&p->md);
}

static double
execute(uint32_t n)
{
    struct dp_packet_batch batch;
    struct timespec a, b;

    dp_packet_batch_init(&batch);
    for (uint32_t i = 0; i < n; i++) {
        dp_packet_batch_add(&batch, pkts[i]);
    }
    long long now = time_msec();
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
    conntrack_execute(ct, &batch, htons(ETH_TYPE_IP), false, true, 0, NULL,
                      NULL, 0, 0, NULL, NULL, now, 0);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
    return (b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec);
}

int
main(int argc, char *argv[])
{
    if (argc != 3) {
        fprintf(stderr, "usage: ovsmany CONNS PACKETS\n");
        return 2;
    }
    uint32_t conns = strtoul(argv[1], NULL, 0);
    uint32_t packets = strtoul(argv[2], NULL, 0);
    double created = 0, busy = 0;
    uint64_t x = 1, out = 0;
    uint32_t count = 0;

    fatal_signal_init();
    ct = conntrack_init();
    for (uint32_t i = 0; i < BATCH; i++) {
        struct flow flow;
        pkts[i] = dp_packet_new(128);
        dp_packet_put_hex(pkts[i], frame, NULL);
        flow_extract(pkts[i], &flow);
    }
    for (int reply = 0; reply < 2; reply++) {
        for (uint32_t n = 0; n < conns;) {
            uint32_t i = 0;
            for (; i < BATCH && n < conns; i++, n++) {
                address(pkts[i], n, reply);
            }
            double t = execute(i);
            created += reply ? 0 : t;
        }
    }
    for (uint32_t n = 0; n < packets; n += BATCH) {
        for (uint32_t i = 0; i < BATCH; i++) {
            x = x * 6364136223846793005ULL + 1442695040888963407ULL;
            address(pkts[i], (uint64_t) (uint32_t) (x >> 32) * conns >> 32, x >> 31 & 1);
        }
        busy += execute(BATCH);
        for (uint32_t i = 0; i < BATCH; i++) {
            out += !!(pkts[i]->md.ct_state & CS_ESTABLISHED);
        }
        count += BATCH;
    }
    if (out != count) {
        fprintf(stderr, "ovsmany: %llu of %u packets were established\n", (unsigned long long) out, count);
        return 1;
    }
    printf("established: %.1f ns new: %.1f ns\n", busy / count, created / conns);
    return 0;
}
