/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "register/command.h"

#include <stdio.h>

char *register_command(const Register *reg, const char *options)
{
    const ExternalAccount *external = &reg->options.external;
    const char *name = reg->account->name;
    char *command;
    int n = asprintf(&command, "acme-register %s%s%s%s%s%s%s %s", options,
                     external->kid ? " --eab-kid=" : "", str_or(external->kid, ""),
                     external->kid ? " --eab-hmac-key-file=" : "",
                     external->kid ? external->hmac_key_file : "", *name ? " --account=" : "", name,
                     reg->options.config);

    return n < 0 ? NULL : command;
}
