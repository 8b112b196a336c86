/*
 * What the machine itself allows: round trips of one primitive between two processes, without Python.
 *
 *     floor PRIMITIVE SIZE NEAR_CPU FAR_CPU          (a CPU of -1: not pinned by us)
 *
 * Prints "ready" once the payloads have gone there and back unharmed. Then, for each line with a loop count on
 * standard input, one line: elapsed seconds of that many round trips, then user seconds, system seconds, voluntary
 * and involuntary context switches of both processes over that window.
 *
 * Exit status: 0 at the end of input, 2 on trouble, 3 when what came back isn't what was sent. A line on standard
 * error says why.
 *
 * The near process (this one) forks the far one, which receives each message into its own buffer and sends it back
 * from there. A window is counted, so no message carries a stop sign: the far process is told the loop count through
 * a control pipe, answers that it is up, and answers with its own usage when it is through. The framing is that of
 * the Python mechanisms: an 8-byte little-endian length and the payload, in one system call each way where the kernel
 * takes it. The payload changes from message to message, as it does there.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#ifndef MAP_ANONYMOUS
#define MAP_ANONYMOUS MAP_ANON
#endif

enum { TROUBLE = 2, WRONG = 3, HEADER = 8, SLOTS = 2, LINE = 64, POLLS_A_CHECK = 1 << 16 };
enum { MOST_PAYLOADS = 8, ROOM = 32 << 20 }; /* different payloads, and the bytes they may take: as in Python */

/* One way of shared memory, as a mailbox of one slot ... */
struct mailbox {
    sem_t full, empty;
    uint64_t length;
    unsigned char payload[];
};

/* ... and as a ring: each index is written by one side only and has a cache line of its own. */
struct ring {
    _Alignas(LINE) _Atomic uint64_t written;
    _Alignas(LINE) _Atomic uint64_t taken;
    _Alignas(LINE) unsigned char slots[];
};

/* One end of a channel, in one process. */
struct end {
    int in, out;
    struct mailbox *inbox, *outbox;
    struct ring *source, *sink;
    uint64_t read, written;
};

struct primitive {
    const char *name;
    void (*open)(struct end *near, struct end *far);
    void (*send)(struct end *end, const unsigned char *payload);
    void (*receive)(struct end *end, unsigned char *payload);
    int carries; /* whether a payload travels */
};

struct usage {
    double user, system;
    long voluntary, involuntary;
};

static size_t size, payloads;
static unsigned char header[HEADER];
static volatile pid_t echo; /* the far process, known to the near one */
static pid_t starter;       /* the near process, known to the far one */

/* ---- trouble ------------------------------------------------------------------------------------------------ */

static void end_echo(void)
{
    if (echo > 0) {
        signal(SIGCHLD, SIG_DFL);
        kill(echo, SIGKILL);
        while (waitpid(echo, NULL, 0) < 0 && errno == EINTR)
            ;
        echo = 0;
    }
}

__attribute__((noreturn, format(printf, 2, 3))) static void quit(int status, const char *text, ...)
{
    char line[256];
    va_list arguments;
    va_start(arguments, text);
    int length = vsnprintf(line, sizeof line - 1, text, arguments);
    va_end(arguments);
    if (length > (int)sizeof line - 2)
        length = sizeof line - 2;
    line[length++] = '\n';
    if (write(STDERR_FILENO, line, (size_t)length) < 0) {
        /* there is nobody left to tell */
    }
    end_echo();
    _exit(status);
}

__attribute__((noreturn)) static void failed(const char *call)
{
    quit(TROUBLE, "floor: %s: %s", call, strerror(errno));
}

__attribute__((noreturn)) static void gone(void)
{
    /* May run in a handler: waitpid and write may be called there, and vsnprintf fills a buffer of our own. */
    if (starter > 0)
        _exit(0); /* the far process: whoever started it has ended and said why */
    sigset_t death;
    sigemptyset(&death);
    sigaddset(&death, SIGCHLD);
    sigprocmask(SIG_BLOCK, &death, NULL);
    int status = 0;
    pid_t child = echo;
    echo = 0;
    /* Its own last words, if there were any, stand on standard error already. */
    if (child > 0 && waitpid(child, &status, 0) == child) {
        if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
            _exit(WEXITSTATUS(status));
        if (WIFSIGNALED(status))
            quit(TROUBLE, "floor: the echo process was killed by signal %d", WTERMSIG(status));
    }
    quit(TROUBLE, "floor: the other process closed its end");
}

static void on_echo_death(int signal_number)
{
    (void)signal_number;
    gone();
}

static void on_termination(int signal_number)
{
    end_echo();
    _exit(128 + signal_number);
}

/* ---- streams: pipes, FIFOs, sockets -------------------------------------------------------------------------- */

static void check_header(const unsigned char *head)
{
    if (memcmp(head, header, HEADER) != 0)
        quit(WRONG, "floor: a message of another length than %zu bytes came", size);
}

/* Leave out the first `done` bytes of two parts. */
static struct iovec *advance(struct iovec *parts, size_t done)
{
    for (int i = 0; i < 2; i++) {
        size_t step = done < parts[i].iov_len ? done : parts[i].iov_len;
        parts[i].iov_base = (char *)parts[i].iov_base + step;
        parts[i].iov_len -= step;
        done -= step;
    }
    return parts;
}

static void pipe_send(struct end *end, const unsigned char *payload)
{
    struct iovec parts[2] = {{header, HEADER}, {(void *)payload, size}};
    for (size_t left = HEADER + size; left > 0;) {
        ssize_t done = writev(end->out, parts, 2);
        if (done < 0 && errno == EPIPE)
            gone();
        if (done < 0 && errno != EINTR)
            failed("writev");
        if (done > 0 && (left -= (size_t)done) > 0)
            advance(parts, (size_t)done);
    }
}

static void pipe_receive(struct end *end, unsigned char *payload)
{
    unsigned char head[HEADER];
    struct iovec parts[2] = {{head, HEADER}, {payload, size}};
    for (size_t left = HEADER + size; left > 0;) {
        ssize_t done = readv(end->in, parts, 2);
        if (done == 0)
            gone();
        if (done < 0 && errno != EINTR)
            failed("readv");
        if (done > 0 && (left -= (size_t)done) > 0)
            advance(parts, (size_t)done);
    }
    check_header(head);
}

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* SIGPIPE is ignored in any case */
#endif

static void socket_send(struct end *end, const unsigned char *payload)
{
    struct iovec parts[2] = {{header, HEADER}, {(void *)payload, size}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    for (size_t left = HEADER + size; left > 0;) {
        ssize_t done = sendmsg(end->out, &message, MSG_NOSIGNAL);
        if (done < 0 && (errno == EPIPE || errno == ECONNRESET))
            gone();
        if (done < 0 && errno != EINTR)
            failed("sendmsg");
        if (done > 0 && (left -= (size_t)done) > 0)
            advance(parts, (size_t)done);
    }
}

static void socket_receive(struct end *end, unsigned char *payload)
{
    unsigned char head[HEADER];
    struct iovec parts[2] = {{head, HEADER}, {payload, size}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    for (size_t left = HEADER + size; left > 0;) {
        ssize_t done = recvmsg(end->in, &message, MSG_WAITALL);
        if (done == 0 || (done < 0 && errno == ECONNRESET))
            gone();
        if (done < 0 && errno != EINTR)
            failed("recvmsg");
        if (done > 0 && (left -= (size_t)done) > 0)
            advance(parts, (size_t)done);
    }
    check_header(head);
}

static void open_pipe(struct end *near, struct end *far)
{
    int there[2], back[2];
    if (pipe(there) < 0 || pipe(back) < 0)
        failed("pipe");
    *near = (struct end){.in = back[0], .out = there[1]};
    *far = (struct end){.in = there[0], .out = back[1]};
}

/* Both ends of one FIFO. The reader opens first and without blocking, so the writer finds it there. */
static void open_one_fifo(const char *folder, const char *name, int ends[2])
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path) {
        rmdir(folder);
        quit(TROUBLE, "floor: TMPDIR is too long a path");
    }
    ends[0] = ends[1] = -1;
    if (mkfifo(path, 0600) == 0) {
        ends[0] = open(path, O_RDONLY | O_NONBLOCK);
        if (ends[0] >= 0)
            ends[1] = open(path, O_WRONLY);
        if (ends[1] >= 0 && fcntl(ends[0], F_SETFL, fcntl(ends[0], F_GETFL) & ~O_NONBLOCK) < 0)
            ends[1] = -1;
    }
    int error = errno;
    unlink(path);
    if (ends[1] < 0) {
        rmdir(folder);
        errno = error;
        failed("a FIFO below TMPDIR");
    }
}

static void open_fifo(struct end *near, struct end *far)
{
    const char *base = getenv("TMPDIR");
    char folder[PATH_MAX - LINE];
    if (snprintf(folder, sizeof folder, "%s/floor-XXXXXX", base && *base ? base : "/tmp") >= (int)sizeof folder)
        quit(TROUBLE, "floor: TMPDIR is too long a path");
    if (!mkdtemp(folder)) /* made with mode 0700 */
        failed("a folder below TMPDIR");
    int there[2], back[2];
    open_one_fifo(folder, "there", there);
    open_one_fifo(folder, "back", back);
    rmdir(folder);
    *near = (struct end){.in = back[0], .out = there[1]};
    *far = (struct end){.in = there[0], .out = back[1]};
}

static void open_unix_stream(struct end *near, struct end *far)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        failed("socketpair");
    *near = (struct end){.in = pair[0], .out = pair[0]};
    *far = (struct end){.in = pair[1], .out = pair[1]};
}

static void open_tcp(struct end *near, struct end *far)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, ours, theirs;
    socklen_t length = sizeof address, our_length = sizeof ours, their_length = sizeof theirs;
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 1) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) < 0)
        failed("listening on the loopback");
    int dialled = socket(AF_INET, SOCK_STREAM, 0);
    if (dialled < 0 || connect(dialled, (struct sockaddr *)&address, sizeof address) < 0)
        failed("connecting over the loopback");
    int accepted = accept(listener, (struct sockaddr *)&theirs, &their_length);
    if (accepted < 0 || getsockname(dialled, (struct sockaddr *)&ours, &our_length) < 0)
        failed("accepting on the loopback");
    if (ours.sin_port != theirs.sin_port)
        quit(TROUBLE, "floor: a stranger connected to our loopback port; try again");
    close(listener);
    if (setsockopt(dialled, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0 ||
        setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0)
        failed("TCP_NODELAY");
    *near = (struct end){.in = dialled, .out = dialled};
    *far = (struct end){.in = accepted, .out = accepted};
}

/* ---- shared memory -------------------------------------------------------------------------------------------- */

/* Anonymous, so that there is nothing to leave behind. */
static void *shared(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        failed("mmap");
    return memory;
}

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) < 0)
        if (errno != EINTR)
            failed("sem_wait");
}

static void post(sem_t *semaphore)
{
    if (sem_post(semaphore) < 0)
        failed("sem_post");
}

static struct mailbox *new_mailbox(size_t bytes)
{
    struct mailbox *box = shared(sizeof *box + bytes);
    if (sem_init(&box->full, 1, 0) < 0 || sem_init(&box->empty, 1, 1) < 0)
        failed("sem_init");
    return box;
}

static void open_mailboxes(struct end *near, struct end *far)
{
    struct mailbox *there = new_mailbox(size), *back = new_mailbox(size);
    *near = (struct end){.in = -1, .out = -1, .inbox = back, .outbox = there};
    *far = (struct end){.in = -1, .out = -1, .inbox = there, .outbox = back};
}

static void semaphore_send(struct end *end, const unsigned char *payload)
{
    (void)payload;
    post(&end->outbox->full);
}

static void semaphore_receive(struct end *end, unsigned char *payload)
{
    (void)payload;
    wait_for(&end->inbox->full);
}

static void mailbox_send(struct end *end, const unsigned char *payload)
{
    struct mailbox *box = end->outbox;
    wait_for(&box->empty);
    box->length = size;
    memcpy(box->payload, payload, size);
    post(&box->full);
}

static void mailbox_receive(struct end *end, unsigned char *payload)
{
    struct mailbox *box = end->inbox;
    wait_for(&box->full);
    if (box->length != size)
        quit(WRONG, "floor: a message of another length than %zu bytes came", size);
    memcpy(payload, box->payload, size);
    post(&box->empty);
}

static size_t stride(void)
{
    return (sizeof(uint64_t) + size + LINE - 1) / LINE * LINE;
}

static void open_rings(struct end *near, struct end *far)
{
    struct ring *there = shared(sizeof *there + SLOTS * stride()), *back = shared(sizeof *back + SLOTS * stride());
    *near = (struct end){.in = -1, .out = -1, .source = back, .sink = there};
    *far = (struct end){.in = -1, .out = -1, .source = there, .sink = back};
}

/*
 * Poll until the index has left `old`. The near process hears of the other's death by SIGCHLD; the far one looks now
 * and then whether it was orphaned, for systems without PR_SET_PDEATHSIG.
 */
static void spin_past(_Atomic uint64_t *index, uint64_t old)
{
    for (unsigned polls = 1; atomic_load_explicit(index, memory_order_acquire) == old; polls++) {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause(); /* lets a sibling hyperthread work; and spares the loop's end a misprediction */
#elif defined(__aarch64__)
        __asm__ __volatile__("yield");
#endif
        if (polls % POLLS_A_CHECK == 0 && starter > 0 && getppid() != starter)
            _exit(0);
    }
}

static void spin_send(struct end *end, const unsigned char *payload)
{
    struct ring *ring = end->sink;
    unsigned char *slot = ring->slots + end->written % SLOTS * stride();
    const uint64_t length = size;
    if (end->written >= SLOTS)
        spin_past(&ring->taken, end->written - SLOTS); /* it is never behind that: the slot before was waited for */
    memcpy(slot, &length, sizeof length);
    memcpy(slot + sizeof length, payload, size);
    atomic_store_explicit(&ring->written, ++end->written, memory_order_release);
}

static void spin_receive(struct end *end, unsigned char *payload)
{
    struct ring *ring = end->source;
    const unsigned char *slot = ring->slots + end->read % SLOTS * stride();
    uint64_t length;
    spin_past(&ring->written, end->read);
    memcpy(&length, slot, sizeof length);
    if (length != size)
        quit(WRONG, "floor: a message of another length than %zu bytes came", size);
    memcpy(payload, slot + sizeof length, size);
    atomic_store_explicit(&ring->taken, ++end->read, memory_order_release);
}

static const struct primitive PRIMITIVES[] = {
    {"pipe", open_pipe, pipe_send, pipe_receive, 1},
    {"fifo", open_fifo, pipe_send, pipe_receive, 1},
    {"unix-stream", open_unix_stream, socket_send, socket_receive, 1},
    {"tcp", open_tcp, socket_send, socket_receive, 1},
    {"semaphore", open_mailboxes, semaphore_send, semaphore_receive, 0},
    {"shared-memory", open_mailboxes, mailbox_send, mailbox_receive, 1},
    {"spin", open_rings, spin_send, spin_receive, 1},
};

/* ---- the two processes ----------------------------------------------------------------------------------------- */

static void pin(long cpu)
{
    if (cpu < 0)
        return;
#ifdef __linux__
    cpu_set_t set;
    CPU_ZERO(&set);
    if (cpu >= CPU_SETSIZE)
        quit(TROUBLE, "floor: CPU %ld is beyond the %d that can be named", cpu, CPU_SETSIZE);
    CPU_SET((size_t)cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0)
        quit(TROUBLE, "floor: can't run on CPU %ld: %s", cpu, strerror(errno));
#else
    quit(TROUBLE, "floor: this system can't pin a process to CPU %ld", cpu);
#endif
}

static struct usage used(void)
{
    struct rusage now;
    if (getrusage(RUSAGE_SELF, &now) < 0)
        failed("getrusage");
    return (struct usage){
        (double)now.ru_utime.tv_sec + (double)now.ru_utime.tv_usec * 1e-6,
        (double)now.ru_stime.tv_sec + (double)now.ru_stime.tv_usec * 1e-6,
        now.ru_nvcsw,
        now.ru_nivcsw,
    };
}

static struct usage between(struct usage before, struct usage after)
{
    return (struct usage){
        after.user - before.user,
        after.system - before.system,
        after.voluntary - before.voluntary,
        after.involuntary - before.involuntary,
    };
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* A small record over a control pipe, whole. Returns 0 at the end of file. */
static int take(int fd, void *record, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t more = read(fd, (char *)record + done, bytes - done);
        if (more == 0)
            return 0;
        if (more < 0 && errno != EINTR)
            failed("read");
        if (more > 0)
            done += (size_t)more;
    }
    return 1;
}

static void give(int fd, const void *record, size_t bytes)
{
    while (write(fd, record, bytes) < 0) /* at most PIPE_BUF, hence never in parts */
        if (errno == EPIPE)
            gone();
        else if (errno != EINTR)
            failed("write");
}

/* Memory that this process has touched itself. */
static unsigned char *touched(int filling)
{
    unsigned char *memory = malloc(size + 1);
    if (!memory)
        failed("memory for the payloads");
    return memset(memory, filling, size + 1);
}

__attribute__((noreturn)) static void be_far(const struct primitive *primitive, struct end *end, int orders,
                                              int answers)
{
    uint64_t loops;
    unsigned char *buffer = touched(0);
    while (take(orders, &loops, sizeof loops)) {
        struct usage before = used();
        give(answers, "", 1);
        for (uint64_t i = 0; i < loops; i++) {
            primitive->receive(end, buffer);
            primitive->send(end, buffer);
        }
        struct usage own = between(before, used());
        give(answers, &own, sizeof own);
    }
    _exit(0);
}

struct near {
    const struct primitive *primitive;
    struct end end;
    int orders, answers;
    unsigned char *payload[MOST_PAYLOADS], *buffer;
};

static void check(const struct near *near, uint64_t index)
{
    if (near->primitive->carries && memcmp(near->buffer, near->payload[index % payloads], size) != 0)
        quit(WRONG, "floor: the payload came back changed");
}

/* One window. With `checked`, every echo is compared; the last one always is, after the clock has stopped. */
static double window(struct near *near, uint64_t loops, int checked, struct usage *both)
{
    const struct primitive *primitive = near->primitive;
    struct usage far;
    char up;
    give(near->orders, &loops, sizeof loops);
    if (!take(near->answers, &up, 1))
        gone();
    struct usage before = used();
    double start = now();
    for (uint64_t i = 0, next = 0; i < loops; i++, next = next + 1 < payloads ? next + 1 : 0) {
        primitive->send(&near->end, near->payload[next]);
        primitive->receive(&near->end, near->buffer);
        if (checked)
            check(near, i);
    }
    double elapsed = now() - start;
    struct usage own = between(before, used());
    if (!take(near->answers, &far, sizeof far))
        gone();
    check(near, loops - 1);
    *both = (struct usage){
        own.user + far.user,
        own.system + far.system,
        own.voluntary + far.voluntary,
        own.involuntary + far.involuntary,
    };
    return elapsed;
}

static void prepare(struct near *near)
{
    uint64_t state = 0x9e3779b97f4a7c15u;
    near->buffer = touched(0);
    for (size_t i = 0; i < payloads; i++) {
        near->payload[i] = touched(0);
        for (size_t at = 0; at < size; at++) { /* xorshift64: cheap, and no two payloads alike */
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            near->payload[i][at] = (unsigned char)(state >> 32);
        }
    }
}

static void be_near(struct near *near)
{
    char line[64], *rest;
    struct usage both;
    prepare(near);
    window(near, 2 * payloads, 1, &both);
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        errno = 0;
        unsigned long long loops = strtoull(line, &rest, 10);
        if (errno || rest == line || *rest != '\n' || line[0] == '-' || loops == 0)
            quit(TROUBLE, "floor: a loop count is a whole number from 1");
        double elapsed = window(near, loops, 0, &both);
        printf("%.9f %.6f %.6f %ld %ld\n", elapsed, both.user, both.system, both.voluntary, both.involuntary);
        if (fflush(stdout) != 0)
            failed("standard output");
    }
}

static long number(const char *text, const char *what, long least)
{
    char *rest;
    errno = 0;
    long value = strtol(text, &rest, 10);
    if (errno || rest == text || *rest || value < least)
        quit(TROUBLE, "floor: %s must be a whole number from %ld, not '%s'", what, least, text);
    return value;
}

static const struct primitive *named(const char *name)
{
    for (size_t i = 0; i < sizeof PRIMITIVES / sizeof *PRIMITIVES; i++)
        if (strcmp(PRIMITIVES[i].name, name) == 0)
            return &PRIMITIVES[i];
    quit(TROUBLE, "floor: unknown primitive '%s'", name);
}

static void handle(int signal_number, void (*handler)(int), const sigset_t *blocked)
{
    struct sigaction action = {.sa_handler = handler, .sa_mask = *blocked, .sa_flags = SA_NOCLDSTOP | SA_RESTART};
    sigaction(signal_number, &action, NULL);
}

static void close_end(const struct end *end)
{
    if (end->in >= 0)
        close(end->in);
    if (end->out >= 0 && end->out != end->in)
        close(end->out);
}

int main(int count, char **arguments)
{
    if (count != 5)
        quit(TROUBLE, "usage: floor PRIMITIVE SIZE NEAR_CPU FAR_CPU");
    struct near near = {.primitive = named(arguments[1])};
    size = (size_t)number(arguments[2], "SIZE", 0);
    long near_cpu = number(arguments[3], "NEAR_CPU", -1), far_cpu = number(arguments[4], "FAR_CPU", -1);
    if (size > SIZE_MAX / 16)
        quit(TROUBLE, "floor: SIZE is beyond what fits into memory");
    payloads = size > ROOM / MOST_PAYLOADS ? ROOM / size : MOST_PAYLOADS;
    if (payloads < 2)
        payloads = 2;
    for (int i = 0; i < HEADER; i++)
        header[i] = (unsigned char)((uint64_t)size >> (8 * i));

    /* No signal may fall between making something and knowing who has to clear it away. */
    sigset_t ours, before;
    sigemptyset(&ours);
    sigaddset(&ours, SIGCHLD);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGHUP);
    sigprocmask(SIG_BLOCK, &ours, &before);
    sigdelset(&before, SIGCHLD);
    sigdelset(&before, SIGTERM);
    signal(SIGPIPE, SIG_IGN);

    struct end far;
    int orders[2], answers[2];
    near.primitive->open(&near.end, &far);
    if (pipe(orders) < 0 || pipe(answers) < 0)
        failed("pipe");
    pid_t self = getpid();
    echo = fork();
    if (echo < 0)
        failed("fork");
    if (echo == 0) {
        starter = self;
#ifdef __linux__
        prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
        if (getppid() != self)
            _exit(0);
        sigprocmask(SIG_SETMASK, &before, NULL);
        close_end(&near.end);
        close(orders[1]);
        close(answers[0]);
        close(STDIN_FILENO);
        close(STDOUT_FILENO);
        pin(far_cpu);
        be_far(near.primitive, &far, orders[0], answers[1]);
    }
    handle(SIGCHLD, on_echo_death, &ours);
    handle(SIGTERM, on_termination, &ours);
    handle(SIGINT, on_termination, &ours);
    handle(SIGHUP, on_termination, &ours);
    sigprocmask(SIG_SETMASK, &before, NULL);
    close_end(&far);
    close(orders[0]);
    close(answers[1]);
    near.orders = orders[1];
    near.answers = answers[0];
    pin(near_cpu);
    be_near(&near);
    end_echo();
    return 0;
}
