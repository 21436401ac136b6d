#!/bin/sed -f
# SPDX-License-Identifier: GPL-3.0-or-later
# NAME.service, which serves all connections, becomes NAME@.service, which serves one (Accept=yes). The sandbox is the same.
s/^# acmems-\(.*\)@\.service is made of this file: see template.sed\./# Made of acmems-\1.service by template.sed./
s/^Description=\(.*\)/Description=\1, one connection/
/^# Started by hand it gets its sockets too/d
/^Requires=/d
# What failed must not pile up: each connection is a unit of its own.
/^Documentation=/a\
CollectMode=inactive-or-failed
# The process tells nobody when it is ready: it serves at once.
s/^Type=notify/Type=exec/
# What the process that accepts does otherwise: it ends a connection that goes on past any deadline.
s/^TimeoutStopSec=.*/&\
RuntimeMaxSec=300s/
s/^# 1024 connections, and the process that accepts them\./# The one process./
s/^TasksMax=.*/TasksMax=4/
/^# A connection's process that runs out of memory takes no other with it/d
/^OOMPolicy=/d
