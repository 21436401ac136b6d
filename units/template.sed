#!/bin/sed -f
# SPDX-License-Identifier: GPL-3.0-or-later
# Generates NAME@.service, which serves one connection (Accept=yes), from NAME.service, which serves all connections. The sandbox is
# the same.
s/^# acmems-\(.*\)@\.service is generated from this file by template\.sed\./# Generated from acmems-\1.service by template.sed./
s/^Description=\(.*\)/Description=\1, one connection/
/^# A manual start gets the sockets too/,/^PartOf=/d
# Each connection is a unit of its own: failed units must not accumulate.
/^Documentation=/a\
CollectMode=inactive-or-failed
# A connection whose process failed is gone.
/^# If a start fails, the waiting connection/d
/^# (TriggerLimitBurst=). So it is repeated/d
/^Restart=/d
/^RestartSec=/d
# The process does not report readiness: it serves immediately.
s/^Type=notify/Type=exec/
# Otherwise the accepting process does this: it ends a connection that continues after all deadlines.
s/^TimeoutStopSec=.*/&\
RuntimeMaxSec=300s/
s/^# 1024 connections, and the process that accepts them\./# The one process./
s/^TasksMax=.*/TasksMax=4/
/^# 1024 .*connections take about/d
/^# their turn have bytes in the kernel/d
s/^MemoryMax=.*/MemoryMax=256M/
/^# Connections that wait for their turn/d
/^LimitNOFILE=/d
/^# If the process of one connection runs out of memory/d
/^OOMPolicy=/d
