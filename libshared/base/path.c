/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/path.h"

#include <ctype.h>
#include <limits.h>

#include "base/macro.h"

typedef struct Component {
    const char *name;
    size_t length; /* 0: end of the path */
} Component;

/* Takes the first component off the path; skips ".". */
static Component take_component(const char **path)
{
    Component component;

    do {
        component.name = *path + strspn(*path, "/");
        component.length = strcspn(component.name, "/");
        *path = component.name + component.length;
    } while (component.length == 1 && *component.name == '.');
    return component;
}

static bool component_equal(Component a, Component b)
{
    return a.length == b.length && memcmp(a.name, b.name, a.length) == 0;
}

bool path_is_usable(const char *path)
{
    static const Component up = { "..", 2 };
    size_t length = strlen(path);
    Component component;

    if (*path != '/' || length >= PATH_MAX || path[length - 1] == '\\')
        return false;
    for (const char *c = path; *c; c++)
        if (iscntrl((unsigned char)*c))
            return false;
    do {
        component = take_component(&path);
        if (component_equal(component, up))
            return false;
    } while (component.length > 0);
    return true;
}

bool path_is_below(const char *path, const char *directory)
{
    for (;;) {
        Component wanted = take_component(&directory);

        if (wanted.length == 0)
            return true;
        if (!component_equal(take_component(&path), wanted))
            return false;
    }
}
