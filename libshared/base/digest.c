/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/digest.h"

#include "base/macro.h"

#define SPELLING_MAX 16

/* Names are compared without separators and in lower case; each has up to two such spellings. */
static const struct {
    const char *spellings[2];
    Digest digest;
} digests[] = {
    { { "sha224", "sha2224" }, { "sha224", "SHA2-224", 28 } },
    { { "sha256", "sha2256" }, { "sha256", "SHA2-256", 32 } },
    { { "sha384", "sha2384" }, { "sha384", "SHA2-384", 48 } },
    { { "sha512", "sha2512" }, { "sha512", "SHA2-512", 64 } },
    { { "sha3224" }, { "sha3-224", "SHA3-224", 28 } },
    { { "sha3256" }, { "sha3-256", "SHA3-256", 32 } },
    { { "sha3384" }, { "sha3-384", "SHA3-384", 48 } },
    { { "sha3512" }, { "sha3-512", "SHA3-512", 64 } },
};

static const char *const broken[] = { "md2", "md4", "md5", "md5sha1", "sha", "sha0", "sha1" };

/* "" for a name that is too long. */
static void normalize(const char *name, size_t length, char spelling[SPELLING_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < length; i++) {
        char c = name[i];

        if (c == '-' || c == '_')
            continue;
        if (n == SPELLING_MAX - 1) {
            n = 0;
            break;
        }
        spelling[n++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    spelling[n] = '\0';
}

const Digest *digest_find(const char *name, size_t length)
{
    char spelling[SPELLING_MAX];

    normalize(name, length, spelling);
    for (size_t i = 0; i < ELEMENTSOF(digests); i++)
        for (size_t j = 0; j < ELEMENTSOF(digests[i].spellings); j++)
            if (digests[i].spellings[j] && streq(digests[i].spellings[j], spelling))
                return &digests[i].digest;
    return NULL;
}

bool digest_is_broken(const char *name, size_t length)
{
    char spelling[SPELLING_MAX];

    normalize(name, length, spelling);
    for (size_t i = 0; i < ELEMENTSOF(broken); i++)
        if (streq(broken[i], spelling))
            return true;
    return false;
}
