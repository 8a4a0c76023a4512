/* The floor: the least work that still does the job of `rkat rpc`.
 *
 * One thread reads JSON-RPC lines, keeps sessions, sends a session's history to the provider, and turns every streamed
 * delta into an event line. It has no JSON parser, no TLS, no disk and no error handling beyond giving up, so a real
 * runtime can come near its figures but not below them.
 *
 *     cc -O2 -static -o floor floor.c && ./floor PORT messages|chat|responses|gemini
 *
 * It knows initialize, session/create, turn/start and session/archive, written without spaces between tokens and with
 * session_id before prompt, and the answers of fake_provider.py. Text is passed on as it comes, still escaped.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

struct bytes { char *at; size_t count, room; };

/* How one provider API looks on the wire. */
struct api { const char *name, *path, *delta_key; };
static const struct api apis[] = {
    {"messages", "/v1/messages", "\"delta\":{\"type\":\"text_delta\",\"text\":\""},
    {"chat", "/v1/chat/completions", "\"delta\":{\"content\":\""},
    {"responses", "/v1/responses", "\"delta\":\""},
    {"gemini", "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", "\"parts\":[{\"text\":\""},
};
enum { api_count = sizeof apis / sizeof *apis };

struct session { struct bytes messages; };

/* A connection to the provider, and the model call that is using it. */
struct call {
    int socket, session, in_head;
    long request;                /* id of the JSON-RPC request to answer */
    long chunk_left;             /* bytes to come of the HTTP chunk and its line end; -1 before a chunk size */
    struct bytes unread, events, text;
    struct call *next_idle;
};

static const struct api *api;
static struct session *sessions;
static size_t session_count, session_room;
static struct call *idle_calls;
static struct bytes output;
static int poller, port;

static void fail(const char *what) { perror(what); exit(1); }

static void append(struct bytes *to, const void *from, size_t count) {
    if (to->count + count > to->room) {
        to->room = (to->count + count) * 3 / 2 + 64;
        if (!(to->at = realloc(to->at, to->room))) fail("realloc");
    }
    memcpy(to->at + to->count, from, count);
    to->count += count;
}

static void append_text(struct bytes *to, const char *text) { append(to, text, strlen(text)); }

static void append_number(struct bytes *to, long number) {
    char digits[24];
    append(to, digits, sprintf(digits, "%ld", number));
}

static void drop_front(struct bytes *from, size_t count) {
    from->count -= count;
    memmove(from->at, from->at + count, from->count);
}

static void free_bytes(struct bytes *b) { free(b->at); memset(b, 0, sizeof *b); }

/* What follows `key`: the start of a value, or null. */
static char *after(char *text, size_t count, const char *key) {
    char *found = memmem(text, count, key, strlen(key));
    return found ? found + strlen(key) : NULL;
}

/* Length of the JSON string that starts at `text`, behind its opening quote. */
static size_t string_length(const char *text) {
    const char *end = text;
    while (*end != '"') end += *end == '\\' ? 2 : 1;
    return end - text;
}

static void write_fully(int file, struct iovec *parts, int count) {
    while (count) {
        ssize_t written = writev(file, parts, count);
        if (written < 0) fail("write");
        while (count && (size_t)written >= parts->iov_len) { written -= parts->iov_len; parts++; count--; }
        if (count) { parts->iov_base = (char *)parts->iov_base + written; parts->iov_len -= written; }
    }
}

static void flush_output(void) {
    if (!output.count) return;
    struct iovec all = {output.at, output.count};
    write_fully(STDOUT_FILENO, &all, 1);
    output.count = 0;
}

/* Model calls */

static struct call *idle_call(void) {
    struct call *call = idle_calls;
    if (call) { idle_calls = call->next_idle; return call; }
    if (!(call = calloc(1, sizeof *call))) fail("calloc");
    call->socket = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(call->socket, (void *)&address, sizeof address)) fail("connect");
    int on = 1;
    setsockopt(call->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event interest = {.events = EPOLLIN, .data.ptr = call};
    epoll_ctl(poller, EPOLL_CTL_ADD, call->socket, &interest);
    return call;
}

static void start_call(long request, int session) {
    static char body_head[] = "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":16384,\"stream\":true,\"messages\":[";
    static char body_tail[] = "]}";
    struct call *call = idle_call();
    struct bytes *messages = &sessions[session].messages;
    char head[256];
    int head_length = sprintf(
        head, "POST %s HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n",
        api->path, sizeof body_head - 1 + messages->count + sizeof body_tail - 1);
    struct iovec parts[] = {
        {head, head_length}, {body_head, sizeof body_head - 1}, {messages->at, messages->count},
        {body_tail, sizeof body_tail - 1},
    };
    call->request = request;
    call->session = session;
    call->in_head = 1;
    call->chunk_left = -1;
    call->unread.count = call->events.count = call->text.count = 0;
    write_fully(call->socket, parts, 4);
}

static void append_message(struct bytes *messages, const char *role, const char *text, size_t count) {
    append_text(messages, messages->count ? ",{\"role\":\"" : "{\"role\":\"");
    append_text(messages, role);
    append_text(messages, "\",\"content\":\"");
    append(messages, text, count);
    append_text(messages, "\"}");
}

static void event_arrived(struct call *call, char *event, size_t count) {
    char *text = after(event, count, api->delta_key);
    if (!text || *text == '"') return;
    size_t length = string_length(text);
    append(&call->text, text, length);
    append_text(&output, "{\"jsonrpc\":\"2.0\",\"method\":\"session/event\",\"params\":{\"session_id\":\"");
    append_number(&output, call->session);
    append_text(&output, "\",\"event\":{\"type\":\"text_delta\",\"delta\":\"");
    append(&output, text, length);
    append_text(&output, "\"}}}\n");
}

static void call_ended(struct call *call) {
    append_message(&sessions[call->session].messages, "assistant", call->text.at, call->text.count);
    append_text(&output, "{\"jsonrpc\":\"2.0\",\"id\":");
    append_number(&output, call->request);
    append_text(&output, ",\"result\":{\"session_id\":\"");
    append_number(&output, call->session);
    append_text(&output, "\",\"text\":\"");
    append(&output, call->text.at, call->text.count);
    append_text(&output, "\"}}\n");
    call->next_idle = idle_calls;
    idle_calls = call;
}

/* Where the first event ends, at an empty line; null when it has not arrived whole. */
static char *event_end(char *at, char *end) {
    while ((at = memchr(at, '\n', end - at)) && at + 1 < end)
        if (*++at == '\n') return at + 1;
    return NULL;
}

static void take_events(struct call *call) {
    char *start = call->events.at, *end = start + call->events.count, *next;
    while ((next = event_end(start, end))) {
        event_arrived(call, start, next - start);
        start = next;
    }
    drop_front(&call->events, start - call->events.at);
}

/* Takes chunks off `unread`. Returns 1 when the last one has been taken. */
static int take_chunks(struct call *call) {
    char *at = call->unread.at, *end = at + call->unread.count;
    int is_last = 0;
    while (at < end && !is_last) {
        if (call->chunk_left < 0) {
            char *line_end = memchr(at, '\n', end - at);
            if (!line_end) break;
            call->chunk_left = strtol(at, NULL, 16) + 2;
            is_last = call->chunk_left == 2;
            at = line_end + 1;
        } else {
            long here = end - at < call->chunk_left ? end - at : call->chunk_left;
            long payload = call->chunk_left - 2 < here ? call->chunk_left - 2 : here;
            if (payload > 0) append(&call->events, at, payload);
            at += here;
            call->chunk_left -= here;
            if (call->chunk_left == 0) call->chunk_left = -1;
        }
    }
    drop_front(&call->unread, at - call->unread.at);
    return is_last;
}

static void provider_sent(struct call *call) {
    static char block[1 << 18];
    ssize_t count = read(call->socket, block, sizeof block);
    if (count <= 0) fail("the provider hung up");
    append(&call->unread, block, count);
    if (call->in_head) {
        char *body = after(call->unread.at, call->unread.count, "\r\n\r\n");
        if (!body) return;
        drop_front(&call->unread, body - call->unread.at);
        call->in_head = 0;
    }
    int ended = take_chunks(call);
    take_events(call);
    if (ended) call_ended(call);
}

/* Requests */

static int new_session(void) {
    if (session_count == session_room) {
        session_room = session_room * 2 + 16;
        if (!(sessions = realloc(sessions, session_room * sizeof *sessions))) fail("realloc");
    }
    memset(&sessions[session_count], 0, sizeof *sessions);
    return session_count++;
}

static void start_turn(long request, int session, char *rest, char *line_end) {
    char *prompt = after(rest, line_end - rest, "\"prompt\":\"");
    append_message(&sessions[session].messages, "user", prompt, string_length(prompt));
    start_call(request, session);
}

static void line_arrived(char *line, size_t count) {
    char *end = line + count;
    char *method = after(line, count, "\"method\":\"");
    char *session = after(line, count < 200 ? count : 200, "\"session_id\":\"");
    long request = atol(after(line, count, "\"id\":"));
    if (!strncmp(method, "session/create", 14)) return start_turn(request, new_session(), method, end);
    if (!strncmp(method, "turn/start", 10)) return start_turn(request, atoi(session), method, end);
    if (!strncmp(method, "session/archive", 15)) free_bytes(&sessions[atoi(session)].messages);
    append_text(&output, "{\"jsonrpc\":\"2.0\",\"id\":");
    append_number(&output, request);
    append_text(&output, ",\"result\":{}}\n");
}

static void client_sent(void) {
    static struct bytes input;
    static size_t searched; /* how much of `input` is known to hold no line end */
    static char block[1 << 16];
    ssize_t count = read(STDIN_FILENO, block, sizeof block);
    if (count <= 0) exit(0);
    append(&input, block, count);
    char *line = input.at, *line_end;
    while ((line_end = memchr(input.at + searched, '\n', input.count - searched))) {
        line_arrived(line, line_end - line);
        line = line_end + 1;
        searched = line - input.at;
    }
    drop_front(&input, line - input.at);
    searched = input.count;
}

int main(int argc, char **argv) {
    if (argc != 3) { fprintf(stderr, "usage: floor PORT messages|chat|responses|gemini\n"); return 2; }
    port = atoi(argv[1]);
    for (int i = 0; i < api_count; i++)
        if (!strcmp(argv[2], apis[i].name)) api = &apis[i];
    if (!api) { fprintf(stderr, "no such API: %s\n", argv[2]); return 2; }
    poller = epoll_create1(0);
    struct epoll_event input = {.events = EPOLLIN, .data.ptr = NULL}, ready[256];
    epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &input);
    for (;;) {
        int count = epoll_wait(poller, ready, 256, -1);
        for (int i = 0; i < count; i++) {
            if (ready[i].data.ptr) provider_sent(ready[i].data.ptr);
            else client_sent();
        }
        flush_output();
    }
}
