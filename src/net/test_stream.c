#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/stream.h"
#include "net/test_certs.h"

/* More than the sockets' buffers hold, and not a multiple of any record. */
#define LARGE (3 * 1000 * 1000 + 7)

/* One end of the connection under test. */
struct end {
        struct stream *stream;
        unsigned seen;
        char *out; /* to be written */
        size_t n_out, n_written;
        char *in;
        size_t n_in, n_in_wanted; /* stops the loop */
        ssize_t last;             /* result of the last read */
        bool stops_when_over, is_over;
};

static struct certs certs;
static struct loop *loop;
static struct end ends[2];
static struct tls *client_tls, *server_tls;

static int set_up_group(void **state)
{
        (void)state;
        certs_init(&certs);
        return 0;
}

static int tear_down_group(void **state)
{
        (void)state;
        certs_deinit(&certs);
        return 0;
}

static int set_up(void **state)
{
        (void)state;
        memset(ends, 0, sizeof(ends));
        return loop_new(&loop);
}

static int tear_down(void **state)
{
        (void)state;
        for (size_t i = 0; i < 2; ++i) {
                ends[i].stream = stream_close(ends[i].stream);
                free(ends[i].in);
                free(ends[i].out);
        }
        loop = loop_free(loop);
        client_tls = tls_free(client_tls);
        server_tls = tls_free(server_tls);
        return 0;
}

static void write_some(struct end *end)
{
        while (end->n_written < end->n_out) {
                ssize_t n = stream_write(end->stream, end->out + end->n_written,
                                         end->n_out - end->n_written);

                if (n < 0) {
                        assert_int_equal(n, -EAGAIN);
                        return;
                }
                end->n_written += (size_t)n;
        }
}

static void read_all(struct end *end)
{
        for (;;) {
                end->in = realloc(end->in, end->n_in + 65536);
                assert_non_null(end->in);
                end->last = stream_read(end->stream, end->in + end->n_in, 65536);
                if (end->last <= 0)
                        break;
                end->n_in += (size_t)end->last;
        }
        if (end->last != -EAGAIN)
                end->is_over = true;
}

static void on_end(void *ctx, unsigned what)
{
        struct end *end = ctx;

        end->seen |= what;
        if (what & LOOP_WRITE)
                write_some(end);
        if (what & LOOP_READ)
                read_all(end);
        if ((end->n_in_wanted > 0 && end->n_in >= end->n_in_wanted) ||
            (end->is_over && end->stops_when_over))
                loop_stop(loop);
}

static void adopt(size_t i, int fd, struct tls *tls, const char *name)
{
        assert_int_equal(stream_adopt(loop, fd, tls, name, on_end, &ends[i], &ends[i].stream), 0);
}

static void make_pair(int fds[2])
{
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
                         0);
}

static void join(const char *name, const char *ca)
{
        int fds[2];

        make_pair(fds);
        if (name) {
                if (!client_tls)
                        assert_int_equal(tls_client_new(ca, &client_tls), 0);
                if (!server_tls)
                        assert_int_equal(tls_server_new(certs.cert, certs.key, &server_tls), 0);
        }
        adopt(0, fds[0], name ? client_tls : NULL, name);
        adopt(1, fds[1], name ? server_tls : NULL, NULL);
}

static void load(struct end *end, size_t n, unsigned seed)
{
        end->out = malloc(n);
        assert_non_null(end->out);
        for (size_t i = 0; i < n; ++i)
                end->out[i] = (char)((i * 31 + seed) >> 3);
        end->n_out = n;
}

static void expect(const struct end *got, const struct end *from)
{
        assert_int_equal(got->n_in, from->n_out);
        assert_memory_equal(got->in, from->out, from->n_out);
}

static void large_data_passes_both_ways(const char *name)
{
        join(name, certs.ca);
        load(&ends[0], LARGE, 1);
        load(&ends[1], LARGE, 2);
        ends[0].n_in_wanted = ends[1].n_in_wanted = LARGE;
        /* Stops when either side has its all; the other may still have some way to go. */
        while (ends[0].n_in < LARGE || ends[1].n_in < LARGE)
                assert_int_equal(loop_run(loop), 0);
        expect(&ends[0], &ends[1]);
        expect(&ends[1], &ends[0]);
        assert_true(ends[0].seen & STREAM_OPEN);
        assert_true(stream_has_sent(ends[0].stream));
        assert_true(stream_sent_mark(ends[0].stream) >= LARGE);
}

static void plain_data_passes(void **state)
{
        (void)state;
        large_data_passes_both_ways(NULL);
}

static void tls_data_passes(void **state)
{
        (void)state;
        large_data_passes_both_ways("localhost");
}

static void an_address_can_be_what_is_verified(void **state)
{
        (void)state;
        large_data_passes_both_ways("127.0.0.1");
}

static void an_orderly_end_reads_as_0(const char *name)
{
        join(name, certs.ca);
        load(&ends[1], 5, 1);
        ends[0].n_in_wanted = 5;
        assert_int_equal(loop_run(loop), 0);
        ends[0].stops_when_over = true;
        ends[1].stream = stream_close(ends[1].stream);
        assert_int_equal(loop_run(loop), 0);
        assert_true(ends[0].seen & LOOP_HANGUP);
        assert_int_equal(ends[0].last, 0);
        assert_int_equal(ends[0].n_in, 5);
}

static void a_plain_end_is_orderly(void **state)
{
        (void)state;
        an_orderly_end_reads_as_0(NULL);
}

static void a_tls_end_is_orderly(void **state)
{
        (void)state;
        an_orderly_end_reads_as_0("exchange.test");
}

static void tls_cut_off_is_told_from_an_orderly_end(void **state)
{
        (void)state;
        join("localhost", certs.ca);
        load(&ends[1], 5, 1);
        ends[0].n_in_wanted = 5;
        assert_int_equal(loop_run(loop), 0);
        ends[0].stops_when_over = true;
        assert_int_equal(shutdown(stream_fd(ends[1].stream), SHUT_WR), 0);
        assert_int_equal(loop_run(loop), 0);
        assert_int_equal(ends[0].last, -EPROTO);
        assert_non_null(strstr(stream_why(ends[0].stream), "cut off"));
        /* It stays broken. */
        assert_int_equal(stream_write(ends[0].stream, "x", 1), -EPROTO);
}

static void expect_refusal(const char *name, const char *ca, const char *sentence)
{
        join(name, ca);
        ends[0].stops_when_over = true;
        assert_int_equal(loop_run(loop), 0);
        assert_false(ends[0].seen & STREAM_OPEN);
        assert_int_equal(ends[0].last, -EPROTO);
        if (!strstr(stream_why(ends[0].stream), sentence))
                fail_msg("%s", stream_why(ends[0].stream));
        assert_false(stream_has_sent(ends[0].stream));
}

static void a_wrong_name_is_refused(void **state)
{
        (void)state;
        expect_refusal("api.example.com", certs.ca,
                       "certificate of api.example.com is refused: hostname");
}

static void a_wrong_address_is_refused(void **state)
{
        (void)state;
        expect_refusal("127.0.0.2", certs.ca,
                       "certificate of 127.0.0.2 is refused: IP address mismatch");
}

static void an_unknown_authority_is_refused(void **state)
{
        (void)state;
        expect_refusal("localhost", certs.other_ca,
                       "certificate of localhost is refused: unable to get");
}

static void a_server_without_tls_is_refused(void **state)
{
        int fds[2];

        (void)state;
        make_pair(fds);
        assert_int_equal(tls_client_new(certs.ca, &client_tls), 0);
        adopt(0, fds[0], client_tls, "localhost");
        adopt(1, fds[1], NULL, NULL);
        load(&ends[1], 300, 1);
        ends[0].stops_when_over = true;
        assert_int_equal(loop_run(loop), 0);
        assert_int_equal(ends[0].last, -EPROTO);
        assert_non_null(strstr(stream_why(ends[0].stream), "TLS: "));
}

static void a_peer_that_leaves_during_the_handshake_is_a_failure(void **state)
{
        int fds[2];

        (void)state;
        make_pair(fds);
        assert_int_equal(tls_client_new(certs.ca, &client_tls), 0);
        adopt(0, fds[0], client_tls, "localhost");
        close(fds[1]);
        ends[0].stops_when_over = true;
        assert_int_equal(loop_run(loop), 0);
        assert_true(ends[0].last < 0);
        assert_false(ends[0].seen & STREAM_OPEN);
        assert_int_not_equal(*stream_why(ends[0].stream), '\0');
}

static void contexts_refuse_bad_files(void **state)
{
        struct tls *tls = NULL;

        (void)state;
        assert_int_equal(tls_client_new("/nonexistent/ca.pem", &tls), -ENOENT);
        assert_int_equal(tls_client_new(certs.key, &tls), -EINVAL);
        assert_int_equal(tls_server_new("/nonexistent/cert.pem", certs.key, &tls), -ENOENT);
        assert_int_equal(tls_server_new(certs.ca, certs.key, &tls), -EINVAL); /* another's key */
        assert_int_equal(tls_server_new(certs.key, certs.key, &tls), -EINVAL);
        assert_null(tls);
}

static void several_pieces_leave_as_one(const char *name)
{
        static char head[] = "head ", body[] = "body";
        struct iovec pieces[] = { { head, 5 }, { body, 4 } };

        join(name, certs.ca);
        /* Open it first. */
        load(&ends[1], 1, 0);
        ends[0].n_in_wanted = 1;
        assert_int_equal(loop_run(loop), 0);
        ends[1].n_in_wanted = 9;
        assert_false(stream_has_sent(ends[0].stream));
        assert_int_equal(stream_writev(ends[0].stream, pieces, 2), 9);
        assert_true(stream_has_sent(ends[0].stream));
        assert_int_equal(loop_run(loop), 0);
        assert_memory_equal(ends[1].in, "head body", 9);
}

static void plain_pieces_leave_as_one(void **state)
{
        (void)state;
        several_pieces_leave_as_one(NULL);
}

static void tls_pieces_leave_as_one(void **state)
{
        (void)state;
        several_pieces_leave_as_one("localhost");
}

static void a_write_to_nobody_is_an_error_and_no_signal(void **state)
{
        (void)state;
        join(NULL, NULL);
        load(&ends[1], 3, 0);
        ends[0].n_in_wanted = 3;
        assert_int_equal(loop_run(loop), 0);
        ends[1].stream = stream_close(ends[1].stream);
        assert_int_equal(stream_write(ends[0].stream, "x", 1), -EPIPE);
        assert_false(stream_has_sent(ends[0].stream));
        assert_string_equal(stream_why(ends[0].stream), strerror(EPIPE));
}

static void nothing_is_read_or_written_before_it_is_open(void **state)
{
        char byte;

        (void)state;
        join("localhost", certs.ca);
        assert_int_equal(stream_read(ends[0].stream, &byte, 1), -EAGAIN);
        assert_int_equal(stream_write(ends[0].stream, "x", 1), -EAGAIN);
        assert_false(stream_has_sent(ends[0].stream));
}

static struct end other;

static void on_other(void *ctx, unsigned what)
{
        on_end(ctx, what);
        loop_stop(loop);
}

static void a_stream_changes_hands(void **state)
{
        (void)state;
        join(NULL, NULL);
        load(&ends[1], 3, 0);
        ends[0].n_in_wanted = 3;
        assert_int_equal(loop_run(loop), 0);
        other = (struct end){ .stream = ends[0].stream };
        stream_set_owner(ends[0].stream, on_other, &other);
        assert_int_equal(stream_write(ends[1].stream, "more", 4), 4);
        assert_int_equal(loop_run(loop), 0);
        assert_int_equal(other.n_in, 4);
        assert_int_equal(ends[0].n_in, 3);
        free(other.in);
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                ROW(plain_data_passes),
                ROW(tls_data_passes),
                ROW(an_address_can_be_what_is_verified),
                ROW(a_plain_end_is_orderly),
                ROW(a_tls_end_is_orderly),
                ROW(tls_cut_off_is_told_from_an_orderly_end),
                ROW(a_wrong_name_is_refused),
                ROW(a_wrong_address_is_refused),
                ROW(an_unknown_authority_is_refused),
                ROW(a_server_without_tls_is_refused),
                ROW(a_peer_that_leaves_during_the_handshake_is_a_failure),
                ROW(contexts_refuse_bad_files),
                ROW(plain_pieces_leave_as_one),
                ROW(tls_pieces_leave_as_one),
                ROW(a_write_to_nobody_is_an_error_and_no_signal),
                ROW(nothing_is_read_or_written_before_it_is_open),
                ROW(a_stream_changes_hands),
        };

        return cmocka_run_group_tests_name("net/stream", tests, set_up_group, tear_down_group);
}
