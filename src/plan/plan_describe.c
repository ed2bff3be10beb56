/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/plan.h"

/* Operations in words, for people who ask what a start would do, and for errors. */

static char *describe_gateway(const PlanOperation *operation)
{
    AddressText address = address_format_ipv4(operation->address);
    Address6Text address6 = address_format_ipv6(&operation->address6);
    bool ipv6 = operation->prefix6.length > 0;

    return g_strdup_printf("gateway address %s/%u%s%s%s on bridge %s",
                           address.text, operation->prefix.length,
                           ipv6 ? " and " : "", ipv6 ? address6.text : "",
                           ipv6 ? "/64" : "", operation->name.name);
}

/* "192.168.77.0/24 and fd12::/48" */
static char *describe_both(const char *before, const char *first,
                           const PlanOperation *operation)
{
    bool ipv6 = operation->prefix6.length > 0;

    return g_strdup_printf(
        "%s %s%s%s", before, first, ipv6 ? " and " : "",
        ipv6 ? address_format_prefix6(&operation->prefix6).text : "");
}

static char *describe_kernel(const PlanOperation *operation)
{
    AddressText address = address_format_ipv4(operation->address);
    AddressText prefix = address_format_prefix4(operation->prefix);
    Address6Text prefix6 = address_format_prefix6(&operation->prefix6);

    switch (operation->type) {
    case PLAN_BRIDGE_MAKE:
        return g_strdup_printf("bridge %s", operation->name.name);
    case PLAN_BRIDGE_UPLINK:
        return g_strdup_printf("uplink %s into bridge %s", operation->link.name,
                               operation->name.name);
    case PLAN_BRIDGE_ADDRESS:
        return describe_gateway(operation);
    case PLAN_FORWARDING_ON:
        return g_strdup("switch IPv4 forwarding on");
    case PLAN_FORWARDING6_ON:
        return g_strdup("switch IPv6 forwarding on");
    case PLAN_SUBNET_UNREACHABLE:
        return g_strdup_printf("unreachable route for %s", prefix.text);
    case PLAN_SUBNET_RULE:
        return g_strdup_printf("look up %s in table main", prefix.text);
    case PLAN_SUBNET6_UNREACHABLE:
        return g_strdup_printf("unreachable route for %s", prefix6.text);
    case PLAN_SUBNET6_RULE:
        return g_strdup_printf("look up %s in table main", prefix6.text);
    case PLAN_SUBNET_RELEASE:
        return describe_both("release", prefix.text, operation);
    case PLAN_FORGET_CONNECTIONS:
        return describe_both("forget connections of", address.text, operation);
    case PLAN_PORT_NO_IPV6:
        return g_strdup("no IPv6 of the host's on the port");
    case PLAN_PORT_IPV6:
        return g_strdup("IPv6 on the port, which learns nothing from the guest");
    case PLAN_PORT_SETTINGS:
        return g_strdup_printf("settings of the port%s%s%s",
                               operation->name.name[0] ? ", bridge " : "",
                               operation->name.name,
                               operation->localhost ? ", 127.0.0.1 leads to it"
                                                    : "");
    case PLAN_PORT_NEIGHBOURS:
        return g_strdup("proxy ARP without delay");
    case PLAN_PORT_ADDRESS:
        return g_strdup_printf("gateway address %s on the port", address.text);
    case PLAN_PORT_ADDRESS6:
        return g_strdup_printf("address %s/%u on the port",
                               address_format_ipv6(&operation->address6).text,
                               operation->prefix6.length);
    case PLAN_PORT_UP:
        return g_strdup("port up");
    case PLAN_PORT_ROUTE:
        return g_strdup_printf("route %s to the port", address.text);
    default:
        return g_strdup("unknown operation");
    }
}

char *plan_describe(const PlanOperation *operation)
{
    switch (operation->type) {
    case PLAN_FIREWALL:
        return g_strdup("firewall");
    case PLAN_ADMIT_SENDER:
        return g_strdup_printf("admit sender %s",
                               address_format_ipv4(operation->address).text);
    case PLAN_GUARD_MAC:
        return g_strdup_printf("guard source %s",
                               address_format_mac(&operation->mac).text);
    case PLAN_FORWARDS:
        return g_strdup_printf("forwards to the port (%u)",
                               operation->forwards->len);
    case PLAN_DNS_FILES:
        return g_strdup("files of dnsmasq");
    case PLAN_DHCP:
        return g_strdup("tapster-dhcp");
    case PLAN_DNS:
        return g_strdup("tapster-dns");
    default:
        return describe_kernel(operation);
    }
}
