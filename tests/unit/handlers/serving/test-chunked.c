/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "serving/chunked.h"

#include "base/macro.h"
#include "test.h"

#define ROOM 16U

/* Reads in pieces of this size. Returns as chunked_read(); *ret_taken counts the bytes of the body.
 */
static int read_in_pieces(const char *text, size_t piece, char body[ROOM + 1], size_t *ret_taken)
{
    Chunked chunked = { 0 };
    size_t length = strlen(text), used = 0, taken;
    int r = 0;

    *ret_taken = 0;
    for (size_t i = 0; r == 0 && i < length; i += piece) {
        size_t n = piece < length - i ? piece : length - i;

        r = chunked_read(&chunked, text + i, n, body, ROOM, &used, &taken);
        *ret_taken += taken;
        ASSERT_TRUE(used <= ROOM && taken <= n);
        ASSERT_TRUE(r != 0 || taken == n);
    }
    body[used] = '\0';
    return r;
}

static void test_cases(void)
{
    static const struct {
        const char *text;
        int r;
        const char *body, *rest;
    } cases[] = {
        { "0\r\n\r\n", 1, "", "" },
        { "5\r\nhello\r\n0\r\n\r\nPOST", 1, "hello", "POST" },
        { "1\r\nh\r\n004\r\nello\r\n000\r\n\r\n", 1, "hello", "" },
        { "a\r\n0123456789\r\nA\r\n012345", -EMSGSIZE, NULL, NULL },
        { "A\r\n01\r\n456789\r\n0\r\n\r\n", 1, "01\r\n456789", "" },
        { "5;a\r\nhello\r\n0;b=c;d=\"e; f\"\r\n\r\n", 1, "hello", "" },
        { "5 \t;\ta = b\r\nhello\r\n0\r\n\r\n", 1, "hello", "" },
        { "0\r\nA: b\r\nContent-Length: 7\r\n\r\nx", 1, "", "x" },
        { "10\r\n0123456789abcdef\r\n0\r\n\r\n", 1, "0123456789abcdef", "" },
        { "11\r\n0123456789abcdefg", -EMSGSIZE, "", NULL },
        { "f\r\n0123456789abcde\r\n2\r\nfg", -EMSGSIZE, NULL, NULL },
        { "ffffffffffffffff\r\n", -EBADMSG, "", NULL },
        { "fffffffffffffffffffff\r\n", -EBADMSG, "", NULL },
        { "\r\n", -EBADMSG, "", NULL },
        { "x\r\n", -EBADMSG, "", NULL },
        { "+5\r\n", -EBADMSG, "", NULL },
        { "0x5\r\n", -EBADMSG, "", NULL },
        { " 5\r\n", -EBADMSG, "", NULL },
        { "5 \r\n", -EBADMSG, "", NULL },
        { "5\nhello", -EBADMSG, "", NULL },
        { "5\rhello", -EBADMSG, "", NULL },
        { "5;a\nhello", -EBADMSG, "", NULL },
        { "5;\x7f\r\n", -EBADMSG, "", NULL },
        { "5\r\nhello0\r\n", -EBADMSG, "hello", NULL },
        { "5\r\nhello\n0\r\n", -EBADMSG, "hello", NULL },
        { "0\r\nA: b\n\r\n", -EBADMSG, "", NULL },
        { "0\r\n A: b\r\n\r\n", -EBADMSG, "", NULL },
        { "0\r\n\rx", -EBADMSG, "", NULL },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++)
        for (size_t piece = 1; piece <= 7; piece += 3) {
            char body[ROOM + 1];
            size_t taken;

            ASSERT_EQ(read_in_pieces(cases[i].text, piece, body, &taken), cases[i].r);
            if (cases[i].r == 1) {
                ASSERT_STREQ(body, cases[i].body);
                ASSERT_STREQ(cases[i].text + taken, cases[i].rest);
            }
        }
}

/* Lines have an end, and so have all trailers together. */
static void test_long_lines(void)
{
    char text[CHUNKED_TRAILER_MAX + 64], body[ROOM + 1];
    size_t taken;
    int n;

    n = snprintf(text, sizeof(text), "5;%0*d\r\nhello\r\n0\r\n\r\n", (int)CHUNKED_LINE_MAX - 4, 0);
    ASSERT_TRUE(n > 0);
    ASSERT_EQ(read_in_pieces(text, 100, body, &taken), 1);
    n = snprintf(text, sizeof(text), "5;%0*d\r\nhello", (int)CHUNKED_LINE_MAX - 3, 0);
    ASSERT_TRUE(n > 0);
    ASSERT_EQ(read_in_pieces(text, 100, body, &taken), -EBADMSG);
    n = snprintf(text, sizeof(text), "0\r\nA: %0*d\r\nB: c\r\n\r\n", (int)CHUNKED_TRAILER_MAX - 13,
                 0);
    ASSERT_TRUE(n > 0);
    ASSERT_EQ(read_in_pieces(text, 100, body, &taken), 1);
    n = snprintf(text, sizeof(text), "0\r\nA: %0*d\r\nB: c\r\n\r\n", (int)CHUNKED_TRAILER_MAX - 12,
                 0);
    ASSERT_TRUE(n > 0);
    ASSERT_EQ(read_in_pieces(text, 100, body, &taken), -EBADMSG);
}

int main(void)
{
    test_cases();
    test_long_lines();
    return EXIT_SUCCESS;
}
