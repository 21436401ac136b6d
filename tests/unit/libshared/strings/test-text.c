/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "strings/text.h"

#include "test.h"

/* Printable text stays unchanged, byte for byte; everything else is replaced. */
static void test_flatten(void)
{
    static const struct {
        const char *text, *flat;
    } cases[] = {
        { "", "" },
        { "plain ~text", "plain ~text" },
        { "a\nb\r\x1b[2Jc\x7f", "a b  [2Jc " },
        /* The first and the last character of each length. */
        { "\u00a0 \u07ff", "\u00a0 \u07ff" },
        { "\u0800 \ud7ff \ue000 \uffff", "\u0800 \ud7ff \ue000 \uffff" },
        { "\U00010000 \U0010ffff", "\U00010000 \U0010ffff" },
        { "caf\xe9 ol\xe9", "caf? ol?" }, /* Latin-1 */
        { "\xc2\x9b"
          "2J",
          "??2J" }, /* U+009B controls a terminal, too */
        { "\xc0\xaf \xe0\x80\xaf \xf0\x80\x80\xaf", "?? ??? ????" }, /* overlong forms */
        { "\xed\xa0\x80 \xf4\x90\x80\x80 \xff", "??? ???? ?" },      /* surrogate, too large */
        { "cut \xe2\x82", "cut ??" },
        { "\xe2\x82\n\x80", "?? ?" },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        char text[64];

        (void)snprintf(text, sizeof(text), "%s", cases[i].text);
        text_flatten(text);
        ASSERT_STREQ(text, cases[i].flat);
    }
}

static void test_mark(void)
{
    ASSERT_EQ(text_mark_size("\xef\xbb\xbfx", 4), 3);
    ASSERT_EQ(text_mark_size("\xef\xbb\xbf", 3), 3);
    ASSERT_EQ(text_mark_size("\xef\xbb\xbf", 2), 0);
    ASSERT_EQ(text_mark_size("x\xef\xbb\xbf", 4), 0);
    ASSERT_EQ(text_mark_size("", 0), 0);
}

static void test_is_utf16(void)
{
    ASSERT_TRUE(text_is_utf16("\xff\xfek\0", 4) && text_is_utf16("\xfe\xff\0k", 4));
    ASSERT_TRUE(text_is_utf16("k\0e\0", 4) && text_is_utf16("\0k\0e", 4));
    ASSERT_FALSE(text_is_utf16("key", 3) || text_is_utf16("\0\0", 2) || text_is_utf16("k", 1));
    ASSERT_FALSE(text_is_utf16("\xef\xbb\xbfk", 4) || text_is_utf16("", 0));
}

static void test_is_utf8(void)
{
    static const struct {
        const char *text;
        bool expected;
    } cases[] = {
        { "", true },         { "a\n\x7f", true },   { "\u00fc \u20ac \U0010ffff", true },
        { "caf\xe9", false }, { "\xc2\x9b", false }, { "cut \xe2\x82", false },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++)
        ASSERT_EQ(text_is_utf8(cases[i].text), cases[i].expected);
}

static void test_print(void)
{
    _cleanup_free_ char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);

    text_print(stream, "%s:", "a\nb\x1b[2J");
    text_print_line(stream, " %d %s", 7, "\r\x9b");
    text_print_line(stream, "end");
    ASSERT_OK(fclose(stream));
    ASSERT_STREQ(text, "a b [2J: 7  ?\nend\n");
}

int main(void)
{
    test_flatten();
    test_mark();
    test_is_utf16();
    test_is_utf8();
    test_print();
    return EXIT_SUCCESS;
}
