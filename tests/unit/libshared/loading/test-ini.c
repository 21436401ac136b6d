/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loading/ini.h"

#include "test.h"

/* The calls of the parser, one line each: "2 auth/mail ip=192.0.2.1", "3 ! the text of an error".
 */
typedef struct Heard {
    char text[4096];
    size_t length;
    int answer;
} Heard;

static int on_item(const IniItem *item, void *userdata)
{
    Heard *heard = userdata;

    heard->length += (size_t)snprintf(
        heard->text + heard->length, sizeof(heard->text) - heard->length, "%u %s%s%s%s%s%s%s\n",
        item->line, item->section ? item->section : "-", item->name ? "/" : "",
        item->name ? item->name : "", item->key ? " " : "", item->key ? item->key : "",
        item->key ? "=" : "", item->value ? item->value : "");
    return heard->answer;
}

static void on_error(unsigned line, const char *text, void *userdata)
{
    Heard *heard = userdata;

    heard->length +=
        (size_t)snprintf(heard->text + heard->length, sizeof(heard->text) - heard->length,
                         "%u ! %.24s\n", line, text);
}

static int parse_n(const char *content, size_t size, Heard *heard)
{
    _cleanup_free_ char *copy = malloc(size + 1);

    ASSERT_TRUE(copy);
    if (size > 0)
        memcpy(copy, content, size);
    heard->length = 0;
    heard->text[0] = '\0';
    return ini_parse(copy, size, on_item, on_error, heard);
}

static void test_dialect(void)
{
    static const struct {
        const char *content, *heard;
    } table[] = {
        { "", "" },
        { "\n\n", "" },
        { "[mgmt]", "1 mgmt\n" },
        { "[mgmt]\nmax-size=4k", "1 mgmt\n2 mgmt max-size=4k\n" },
        { "# a\n  ; b\n[mgmt]\r\n  key \t=  a b  \r\n", "3 mgmt\n4 mgmt key=a b\n" },
        { "[auth \"mail\"]\n", "1 auth/mail\n" },
        { "[auth mail]\n", "1 auth/mail\n" },
        { "[ auth  \t \"mail server\" ]\n", "1 auth/mail server\n" },
        { "[auth a]b]\n", "1 auth/a]b\n" },
        { "key=value\n", "1 - key=value\n" },
        { "[a]\nk=a=b\nk=\nk= #x ; y\n", "1 a\n2 a k=a=b\n3 a k=\n4 a k=#x ; y\n" },
        { "[a]\n  indented = is a line\n", "1 a\n2 a indented=is a line\n" },
        { "[a]\nk = \"quoted\"\n", "1 a\n2 a k=\"quoted\"\n" },
        { "\xef\xbb\xbf[a]\n", "1 a\n" },
        /* A secret or a path may be any bytes. */
        { "[a \u00fc]\nk=\xfc\n", "1 a/\u00fc\n2 a/\u00fc k=\xfc\n" },
    };
    Heard heard = { 0 };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        ASSERT_OK(parse_n(table[i].content, strlen(table[i].content), &heard));
        ASSERT_STREQ(heard.text, table[i].heard);
    }
}

/* One error for the file, not one for each line. */
static void test_utf16(void)
{
#define FORM(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
    static const struct {
        const char *content;
        size_t size;
    } table[] = {
        FORM("\xff\xfe[\0a\0]\0\r\0\n\0k\0=\0v\0\r\0\n\0"),
        FORM("\xfe\xff\0[\0a\0]\0\n\0k\0=\0v\0\n"),
        FORM("[\0a\0]\0\n\0k\0=\0v\0\n\0"),
        FORM("\0[\0a\0]\0\n\0k\0=\0v\0\n"),
        FORM("\xff\xfe"),
    };
#undef FORM
    Heard heard = { 0 };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        ASSERT_EQ(parse_n(table[i].content, table[i].size, &heard), -EINVAL);
        ASSERT_STREQ(heard.text, "1 ! the file is in UTF-16; s\n");
    }
}

static void test_errors(void)
{
    static const struct {
        const char *content, *heard;
    } table[] = {
        { "[a]\njust words\nk=v\n", "1 a\n2 ! the line has no '='; wri\n3 a k=v\n" },
        { "[a]\n=v\n", "1 a\n2 ! there is no key before '\n" },
        { "[a\nk=v\nno\n[b]\nk=v\n",
          "1 ! the section header is no\n3 ! the line has no '='; wri\n4 b\n5 b k=v\n" },
        { "[a] # b\n", "1 ! the section header is no\n" },
        { "[", "1 ! the section header is no\n" },
        { "[]", "1 ! the section header is em\n" },
        { "[  ]", "1 ! the section header is em\n" },
        { "[a \"b]", "1 ! the block name has no cl\n" },
        { "[a \"]", "1 ! the block name has no cl\n" },
        { "[a \"\"]", "1 ! the block name is empty \n" },
        { "[a b\"c]", "1 ! the block name is empty \n" },
        { "[a b\xfc]\nk=v\n", "1 ! the block name is not UT\n" },
    };
    Heard heard = { 0 };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        ASSERT_EQ(parse_n(table[i].content, strlen(table[i].content), &heard), -EINVAL);
        ASSERT_STREQ(heard.text, table[i].heard);
    }
    ASSERT_EQ(parse_n("[a]\nk=\0v\nx=y", 12, &heard), -EINVAL);
    ASSERT_STREQ(heard.text, "1 a\n2 ! the line contains a NUL \n3 a x=y\n");
}

/* The content needs no final NUL, but room for one; a line has no limit. */
static void test_sizes(void)
{
    size_t size = 3 * 1024 * 1024;
    _cleanup_free_ char *content = malloc(size + 1);
    Heard heard = { 0 };

    memset(content, 'x', size);
    ASSERT_EQ(parse_n(content, size, &heard), -EINVAL);
    content[1] = '=';
    heard.text[0] = '\0';
    heard.length = sizeof(heard.text) - 1; /* drops the text */
    heard.answer = 7;
    ASSERT_EQ(ini_parse(content, size, on_item, on_error, &heard), 7);
    ASSERT_EQ(parse_n("[a]\n[b]\n", 8, &heard), 7);
    ASSERT_STREQ(heard.text, "1 a\n");
    heard.answer = 0;
    ASSERT_OK(parse_n(NULL, 0, &heard));
}

int main(void)
{
    test_dialect();
    test_utf16();
    test_errors();
    test_sizes();
    return 0;
}
