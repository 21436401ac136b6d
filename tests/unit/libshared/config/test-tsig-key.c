/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/tsig-key.h"

#include "test.h"

#define SECRET "c2VjcmV0LW9mLXRoZS1rZXk="

static TsigKey *parse_file(const char *text)
{
    char why[TSIG_WHY_SIZE] = "";
    TsigKey *key = NULL;
    int r = tsig_key_parse_file(text, strlen(text), why, &key);

    if (r < 0)
        fprintf(stderr, "%s: %s\n", text, why);
    ASSERT_OK(r);
    return key;
}

static void refuse_file(const char *text, size_t size, const char *reason)
{
    char why[TSIG_WHY_SIZE] = "";
    TsigKey *key = NULL;

    ASSERT_EQ(tsig_key_parse_file(text, size, why, &key), -EINVAL);
    ASSERT_TRUE(!key);
    if (!strstr(why, reason))
        ASSERT_STREQ(why, reason);
    ASSERT_TRUE(!strstr(why, "c2Vjc"));
}

static void test_inline(void)
{
    static const struct {
        const char *text, *algorithm, *name;
        bool weak;
    } good[] = {
        { "hmac-sha256:acmems:" SECRET, "hmac-sha256", "acmems", false },
        { "SHA512:Acmems.Example.ORG.:" SECRET, "hmac-sha512", "acmems.example.org", false },
        { "sha1:a_b-c:" SECRET, "hmac-sha1", "a_b-c", true },
        { "hmac-md5:a:" SECRET, "hmac-md5", "a", true },
        { "hmac-md5.sig-alg.reg.int.:a:" SECRET, "hmac-md5", "a", true },
        { "HMAC-MD5.SIG-ALG.REG.INT:a:" SECRET, "hmac-md5", "a", true },
    };
    static const struct {
        const char *text, *reason;
    } bad[] = {
        { "", "algorithm:name:secret" },
        { SECRET, "algorithm:name:secret" },
        { "hmac-sha256:acmems", "algorithm:name:secret" },
        { "hmac-sha224:acmems:" SECRET, "hmac-sha224 is not supported" },
        { "sha384:acmems:" SECRET, "hmac-sha384 is not supported" },
        { "hmac-sha3:acmems:" SECRET, "is unknown" },
        { "hmac-sha256x:acmems:" SECRET, "is unknown" },
        { ":acmems:" SECRET, "is unknown" },
        { "sha256::" SECRET, "name" },
        { "sha256:.:" SECRET, "name" },
        { "sha256:a..b:" SECRET, "name" },
        { "sha256:a b:" SECRET, "name" },
        { "sha256:a\\b:" SECRET, "name" },
        { "sha256:\xc3\xa4:" SECRET, "name" },
        { "sha256:acmems:", "base64" },
        { "sha256:acmems:" SECRET "=", "base64" },
        { "sha256:acmems:c2Vjc mV0", "base64" },
        { "sha256:acmems:c2Vjcm-_", "base64" },
    };

    for (size_t i = 0; i < ELEMENTSOF(good); i++) {
        _cleanup_(tsig_key_freep) TsigKey *key = NULL;
        char why[TSIG_WHY_SIZE];

        ASSERT_OK(tsig_key_parse(good[i].text, why, &key));
        ASSERT_STREQ(key->algorithm->name, good[i].algorithm);
        ASSERT_EQ(key->algorithm->weak, good[i].weak);
        ASSERT_STREQ(key->name, good[i].name);
        ASSERT_STREQ(key->secret, SECRET);
    }
    for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
        char why[TSIG_WHY_SIZE] = "";
        TsigKey *key = NULL;

        ASSERT_EQ(tsig_key_parse(bad[i].text, why, &key), -EINVAL);
        if (!strstr(why, bad[i].reason))
            ASSERT_STREQ(why, bad[i].reason);
        ASSERT_TRUE(!strstr(why, "c2Vjc"));
    }
}

static void test_file(void)
{
    static const char *const good[] = {
        "key \"acmems\" {\n\talgorithm hmac-sha256;\n\tsecret \"" SECRET "\";\n};\n",
        "key acmems{secret " SECRET ";algorithm \"hmac-sha256\";};",
        "\xef\xbb\xbfkey acmems{algorithm hmac-sha256;secret " SECRET ";};",
        "# one\nkey // two\n \"ACMEMS.\" /* three\n * four */ { algorithm hmac-sha256 ; secret "
        "\"" SECRET "\" ; } ; /**/ // end",
    };
    static const struct {
        const char *text, *reason;
    } bad[] = {
        { "", "of the form" },
        { "\xff\xfek", "it is in UTF-16; save it as UTF-8" },
        { "key", "name" },
        { "\"key\" acmems { algorithm hmac-sha256; secret " SECRET "; };", "of the form" },
        { "key acmems;", "of the form" },
        { "key acmems {", "of the form" },
        { "key acmems { };", "it lacks an algorithm or a secret" },
        { "key acmems { algorithm hmac-sha256; };", "it lacks an algorithm or a secret" },
        { "key acmems { algorithm hmac-sha256; secret " SECRET "; }", "of the form" },
        { "key acmems { algorithm hmac-sha256; secret " SECRET " };", "it lacks a ;" },
        { "key acmems { algorithm hmac-sha224; secret " SECRET "; };", "hmac-sha224" },
        { "key acmems { algorithm hmac-sha256; algorithm hmac-sha256; secret " SECRET "; };",
          "something other than one algorithm" },
        { "key acmems { algorithm hmac-sha256; secret " SECRET "; comment x; };",
          "something other than one algorithm" },
        { "key a { algorithm hmac-sha256; secret " SECRET "; };\nkey b { };", "than one key" },
        { "key acmems { algorithm hmac-sha256; secret \"" SECRET "; };", "truncated" },
        { "key acmems { algorithm hmac-sha256; secret \"" SECRET, "truncated" },
        { "key acmems /* { algorithm hmac-sha256; secret " SECRET "; };", "of the form" },
    };
    char large[4096];

    for (size_t i = 0; i < ELEMENTSOF(good); i++) {
        _cleanup_(tsig_key_freep) TsigKey *key = parse_file(good[i]);

        ASSERT_STREQ(key->name, "acmems");
        ASSERT_STREQ(key->algorithm->wire, "hmac-sha256.");
        ASSERT_STREQ(key->secret, SECRET);
    }
    for (size_t i = 0; i < ELEMENTSOF(bad); i++)
        refuse_file(bad[i].text, strlen(bad[i].text), bad[i].reason);
    refuse_file("key\0acmems { };", 15, "of the form");
    memset(large, 'A', sizeof(large));
    refuse_file(large, sizeof(large), "of the form");
    memcpy(large, "key a { secret ", 15);
    refuse_file(large, sizeof(large), "too long");
}

static void test_load(void)
{
    char path[] = "/tmp/test-tsig-key.XXXXXX", why[TSIG_WHY_SIZE] = "";
    static const char text[] = "key a { algorithm hmac-sha512; secret " SECRET "; };\n";
    _cleanup_(tsig_key_freep) TsigKey *key = NULL;
    int fd = mkstemp(path);

    ASSERT_EQ(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
    ASSERT_OK(tsig_key_load(path, why, &key));
    ASSERT_STREQ(key->algorithm->name, "hmac-sha512");
    ASSERT_OK(unlink(path));
    ASSERT_EQ(tsig_key_load(path, why, &key), -ENOENT);
    ASSERT_STREQ(why, "it cannot be read: No such file or directory");
}

int main(void)
{
    test_inline();
    test_file();
    test_load();
    return EXIT_SUCCESS;
}
