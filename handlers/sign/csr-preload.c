/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sign/csr-preload.h"

#include "x509/csr.h"

/* For a.example; their keys were discarded. */
static const char rsa_sample[] =
    "-----BEGIN CERTIFICATE REQUEST-----\n"
    "MIICbDCCAVQCAQAwADCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBAMzP\n"
    "ExfuH+Ph3yIjcuTVB8xCWPNT73t5tgrkhepcxxEzrw6xlbbUfOsSKXTwfzW8q/IW\n"
    "dY2buBHj+HwZxJUAmSwQSBZm6us8hY/8PW6fTVS14ugwRSASDnnuvs8xBiK6qYrq\n"
    "rt6SBh9jssdiU6YOwC9p2cNhVioEnhHPFh5vg1SCyvSheGq2DZlavIXiSD0uO/nD\n"
    "gIhGXrpQKSC9VyMI1bjmVLlxkYi93GGAQC+GVyfm8DNOpEXWteyYETkWmSV9hBvq\n"
    "c9FLKV5jdGkvIIcjw0MxxGX5FlgQ4qVcarxP57WcYNSbhVeCvzsRWOIRtwfxuP03\n"
    "5cNeklAxdMM6Me2Mdp0CAwEAAaAnMCUGCSqGSIb3DQEJDjEYMBYwFAYDVR0RBA0w\n"
    "C4IJYS5leGFtcGxlMA0GCSqGSIb3DQEBCwUAA4IBAQBjfydDxUDOkHBbTwqMtdsw\n"
    "0rVy9mK21X5AG9xk2fhxruGFBfNNO6x5ZguxjT+32oon1+uUTp+FZ69K5Wv5FpoB\n"
    "BQTFT+35LAwTBAnmay8UzNQwxOZTo4E+EvuJBZ2d+ET9osLUAT8lmbJ+NQnXuqI9\n"
    "iNJA7VeY91d88R3hEelhimeofyGCGmeB4y/+hmVc2CRmr53/Xl8xufwlMTloCRPW\n"
    "G0iKMHl8q9IKmPwaVIiNVcHJ71pCiWJB/7GDGtf0YK83fiLfvDgYbeET3ROTNmxU\n"
    "vXtx9GuWP4tj4NrrYfxhel7W4JRBlelxLEdGpXEQK/EFZjq9U336Dyp+kbe6EQ3t\n"
    "-----END CERTIFICATE REQUEST-----\n";

static const char ec_sample[] = "-----BEGIN CERTIFICATE REQUEST-----\n"
                                "MIHhMIGJAgEAMAAwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARfsP5S+NwntWHf\n"
                                "0qrhXXbC/7irmVArlfOi1cbhWsPHdektrgirUg983UvI8CRvMWbjJqSnDiLdD8UC\n"
                                "fAXuKk9joCcwJQYJKoZIhvcNAQkOMRgwFjAUBgNVHREEDTALgglhLmV4YW1wbGUw\n"
                                "CgYIKoZIzj0EAwIDRwAwRAIgejU7regahCK6fmTiihe1ouKK44SqUUL3TcVjtWxA\n"
                                "MMICIDr2VDFBiKB4qod+v12mXmVdU483qEmU4hY+zn7F/k0Q\n"
                                "-----END CERTIFICATE REQUEST-----\n";

void csr_preload(void)
{
    static const char *const samples[] = { rsa_sample, ec_sample };

    for (size_t i = 0; i < ELEMENTSOF(samples); i++) {
        _cleanup_(csr_freep) Csr *csr = NULL;
        const char *reason;

        /* Whatever comes of it: a request that is then really parsed tells. */
        (void)csr_parse(samples[i], strlen(samples[i]), &csr, &reason);
    }
}
