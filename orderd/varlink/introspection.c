/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "varlink/introspection.h"

#include "base/macro.h"

#define SERVICE "org.varlink.service"

static const char service_description[] =
    "interface org.varlink.service\n"
    "method GetInfo() -> (vendor: string, product: string, version: string, url: string, "
    "interfaces: []string)\n"
    "method GetInterfaceDescription(interface: string) -> (description: string)\n"
    "error InterfaceNotFound (interface: string)\n"
    "error MethodNotFound (method: string)\n"
    "error MethodNotImplemented (method: string)\n"
    "error InvalidParameter (parameter: string)\n"
    "error PermissionDenied ()\n";

static void get_info(const VarlinkInterface *interface, VarlinkCall *call, const json_t *parameters)
{
    (void)parameters;
    varlink_reply(call, json_pack("{sssssssss[ss]}", "vendor", "acmems", "product", "acmems-orderd",
                                  "version", ACMEMS_VERSION, "url", "", "interfaces", SERVICE,
                                  interface->name));
}

static void get_description(const VarlinkInterface *interface, VarlinkCall *call,
                            const json_t *parameters)
{
    const char *name = json_string_value(json_object_get(parameters, "interface"));
    const char *description = NULL;

    if (!name) {
        varlink_error(call, SERVICE ".InvalidParameter",
                      json_pack("{ss}", "parameter", "interface"));
        return;
    }
    if (streq(name, SERVICE))
        description = service_description;
    else if (streq(name, interface->name))
        description = interface->description;
    if (description)
        varlink_reply(call, json_pack("{ss}", "description", description));
    else
        varlink_error(call, SERVICE ".InterfaceNotFound", json_pack("{ss}", "interface", name));
}

static const struct {
    const char *name;
    void (*call)(const VarlinkInterface *interface, VarlinkCall *call, const json_t *parameters);
} methods[] = {
    { SERVICE ".GetInfo", get_info },
    { SERVICE ".GetInterfaceDescription", get_description },
};

bool introspection_call(const VarlinkInterface *interface, const char *method, VarlinkCall *call,
                        const json_t *parameters)
{
    for (size_t i = 0; i < ELEMENTSOF(methods); i++)
        if (streq(methods[i].name, method)) {
            methods[i].call(interface, call, parameters);
            return true;
        }
    return false;
}
