/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dhcp/dhcp_probe.h"

#include <stdio.h>
#include <string.h>

#define TYPE_PTR 12
#define CLASS_IN 1

gsize dhcp_probe_build(guint32 gateway, guint16 id,
                       guint8 bytes[DHCP_PROBE_SIZE_MAX])
{
    /* Neither recursion desired nor anything else; one question. */
    const guint8 header[12] = {(guint8)(id >> 8), (guint8)id, 0, 0, 0, 1};
    const guint8 question[4] = {0, TYPE_PTR, 0, CLASS_IN};
    gsize size = sizeof(header);
    char name[sizeof("255.255.255.255.in-addr.arpa")];

    (void)snprintf(name, sizeof(name), "%u.%u.%u.%u.in-addr.arpa", gateway & 0xff,
                   gateway >> 8 & 0xff, gateway >> 16 & 0xff, gateway >> 24);
    memcpy(bytes, header, sizeof(header));
    for (const char *label = name; *label != '\0';) {
        gsize length = strcspn(label, ".");

        bytes[size++] = (guint8)length;
        memcpy(bytes + size, label, length);
        size += length;
        label += length + (label[length] == '.');
    }
    bytes[size++] = 0;
    memcpy(bytes + size, question, sizeof(question));
    return size + sizeof(question);
}
