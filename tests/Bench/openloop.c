// Sends one POST at a fixed rate over many connections, whether or not the answers keep up, and counts what comes of it. By epoll, in
// one thread and without memory of its own per request, so that it costs little beside the server.
//
//   openloop PORT RATE SECONDS CONNECTIONS FILE…
//
// A FILE is a whole request, head and body, for a connection that is kept; several are sent in turn. Prints: sent ok shed other
// unanswered, and the p50 and p99 in ms of good answers and of refusals, from the time at which each was due. A request that finds no
// free connection is due all the same: it is sent late. With the rate 0 each connection sends as soon as it has its answer.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNECTIONS 20000
#define BUCKETS 200000 /* of 0.1 ms */
#define MAX_REQUESTS 64

static int sockets[MAX_CONNECTIONS], filled[MAX_CONNECTIONS], idle[MAX_CONNECTIONS], idles;
static double due[MAX_CONNECTIONS];
static char answers[MAX_CONNECTIONS][2048];
static long answered[BUCKETS], refused[BUCKETS], sent, ok, shed, other;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static int complete(char *answer, int length)
{
    char *body, *header;
    answer[length] = 0;
    if (!(body = strstr(answer, "\r\n\r\n"))) return 0;
    header = strstr(answer, "Content-Length: ");
    return header && header < body && length >= (body - answer) + 4 + atoi(header + 16);
}

static void dial(int epoll, int i, struct sockaddr_in *address)
{
    int one = 1;
    struct epoll_event event = {EPOLLIN, {0}};
    sockets[i] = socket(AF_INET, SOCK_STREAM, 0);
    if (sockets[i] < 0 || connect(sockets[i], (struct sockaddr *)address, sizeof *address)) { perror("connect"); exit(1); }
    setsockopt(sockets[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(sockets[i], F_SETFL, O_NONBLOCK);
    event.data.u32 = i;
    epoll_ctl(epoll, EPOLL_CTL_ADD, sockets[i], &event);
    filled[i] = 0;
    idle[idles++] = i;
}

static int bucket(double took) { return took * 1e4 < BUCKETS ? (int)(took * 1e4) : BUCKETS - 1; }

static void receive(int i, double started, double warm)
{
    int n = recv(sockets[i], answers[i] + filled[i], sizeof answers[i] - 1 - filled[i], 0);
    double took;
    if (n <= 0) { if (n < 0 && errno == EAGAIN) return; fprintf(stderr, "a connection was closed\n"); exit(1); }
    filled[i] += n;
    if (!complete(answers[i], filled[i])) return;
    took = now() - due[i];
    filled[i] = 0;
    idle[idles++] = i;
    if (due[i] - started < warm) return;
    if (!memcmp(answers[i] + 9, "200", 3)) { ok++; answered[bucket(took)]++; }
    else if (!memcmp(answers[i] + 9, "503", 3)) { shed++; refused[bucket(took)]++; }
    else other++;
}

static double percentile(long *buckets, long count, double p)
{
    long seen = 0, i;
    for (i = 0; i < BUCKETS; i++) if ((seen += buckets[i]) >= p * count && count) return i / 10.0;
    return 0;
}

int main(int argc, char **argv)
{
    static char requests[MAX_REQUESTS][16384];
    struct sockaddr_in address = {0};
    struct epoll_event events[512];
    int epoll = epoll_create1(0), connections, lengths[MAX_REQUESTS], count, turn = 0, i, n;
    double rate, seconds, started, next, warm = 1;
    FILE *file;
    if (argc < 6 || argc - 5 > MAX_REQUESTS) { fprintf(stderr, "openloop PORT RATE SECONDS CONNECTIONS FILE…\n"); return 2; }
    rate = atof(argv[2]); seconds = atof(argv[3]); connections = atoi(argv[4]);
    for (count = 0; count < argc - 5; count++)
    {
        if (!(file = fopen(argv[5 + count], "rb"))) { perror(argv[5 + count]); return 2; }
        lengths[count] = fread(requests[count], 1, sizeof requests[count], file);
        fclose(file);
    }
    address.sin_family = AF_INET;
    address.sin_port = htons(atoi(argv[1]));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (i = 0; i < connections && i < MAX_CONNECTIONS; i++) dial(epoll, i, &address);
    started = next = now();
    while (now() - started < warm + seconds)
    {
        while (next <= now() && idles)
        {
            i = idle[--idles];
            due[i] = next;
            turn = (turn + 1) % count;
            if (send(sockets[i], requests[turn], lengths[turn], MSG_NOSIGNAL) != lengths[turn]) { perror("send"); return 1; }
            if (next - started >= warm) sent++;
            next = rate > 0 ? next + 1 / rate : now();
        }
        n = epoll_wait(epoll, events, 512, 1);
        while (n-- > 0) receive(events[n].data.u32, started, warm);
    }
    printf("%ld %ld %ld %ld %ld %.1f %.1f %.1f %.1f\n", sent, ok, shed, other, sent - ok - shed - other, percentile(answered, ok, 0.5),
        percentile(answered, ok, 0.99), percentile(refused, shed, 0.5), percentile(refused, shed, 0.99));
    return 0;
}
