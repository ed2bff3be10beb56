/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dhcp/dhcp_release.h"

#include "dhcp/dhcp_layout.h"

#include <stdio.h>
#include <string.h>

/* "01:52:54:00:12:34:56"; "*" for none. */
static bool parse_client_id(const char *text, DhcpLease *lease)
{
    lease->client_id_length = 0;
    if (strcmp(text, "*") == 0) {
        return true;
    }
    for (const char *at = text;; at += 3) {
        int high = g_ascii_xdigit_value(at[0]);
        int low = high < 0 ? -1 : g_ascii_xdigit_value(at[1]);

        if (low < 0 || lease->client_id_length == DHCP_OPTION_MAX) {
            return false;
        }
        lease->client_id[lease->client_id_length++] = (guint8)(high << 4 | low);
        if (at[2] == '\0') {
            return true;
        }
        if (at[2] != ':') {
            return false;
        }
    }
}

bool dhcp_release_parse(const char *line, DhcpLease *ret_lease)
{
    char client_id[3 * DHCP_OPTION_MAX + 1];
    char address[16];
    char mac[18];
    DhcpLease lease = {0};

    return sscanf(line, "%*u %17s %15s %*s %765s", mac, address, client_id) == 3 &&
           address_parse_mac(mac, &lease.mac, NULL) &&
           address_parse_ipv4(address, &lease.address, NULL) &&
           parse_client_id(client_id, &lease) && (*ret_lease = lease, true);
}

bool dhcp_release_find_address(const char *text, guint32 *ret_address)
{
    char address[16];

    return sscanf(text, "%*17[0-9a-f:],%15[0-9.]", address) == 1 &&
           address_parse_ipv4(address, ret_address, NULL);
}

static void put_be32(guint8 *bytes, guint32 value)
{
    value = GUINT32_TO_BE(value);
    memcpy(bytes, &value, sizeof(value));
}

gsize dhcp_release_build(const DhcpLease *lease, guint32 server,
                         guint8 bytes[DHCP_SIZE_MAX])
{
    guint8 *option = bytes + OFFSET_OPTIONS;

    memset(bytes, 0, DHCP_SIZE_MAX);
    bytes[0] = OP_REQUEST;
    bytes[OFFSET_HTYPE] = HTYPE_ETHERNET;
    bytes[OFFSET_HLEN] = sizeof(lease->mac.bytes);
    put_be32(bytes + OFFSET_CIADDR, lease->address);
    memcpy(bytes + OFFSET_CHADDR, lease->mac.bytes, sizeof(lease->mac.bytes));
    memcpy(bytes + OFFSET_COOKIE, magic_cookie, sizeof(magic_cookie));
    *option++ = OPTION_TYPE;
    *option++ = 1;
    *option++ = DHCP_RELEASE;
    *option++ = OPTION_SERVER_ID;
    *option++ = 4;
    put_be32(option, server);
    option += 4;
    if (lease->client_id_length > 0) {
        *option++ = OPTION_CLIENT_ID;
        *option++ = lease->client_id_length;
        memcpy(option, lease->client_id, lease->client_id_length);
        option += lease->client_id_length;
    }
    *option++ = OPTION_END;
    return MAX((gsize)(option - bytes), BOOTP_SIZE);
}
