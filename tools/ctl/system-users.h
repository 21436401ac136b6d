/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The accounts of the system that the services run as, by statedir/acmems.sysusers and the units.
 */

/* The user of acmems-orderd, the only service that uses the state directory. */
#define ORDERD "acmems"

/* The group of the services that read the configuration. */
#define READERS "acmems"
