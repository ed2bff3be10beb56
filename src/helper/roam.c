/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/roam.h"

#include "pool/subnet.h"

/* Returns: (transfer full) (nullable): "its subnet X overlaps Y" */
static char *find_overlap(const Segment *segment, const FactsHost *facts,
                          bool *ret_is_ipv6)
{
    Prefix4 subnet = {segment->subnet_address, (guint8)segment->subnet_length};
    Prefix6 subnet6 = {segment->subnet6_address,
                       (guint8)segment->subnet6_length};
    g_autofree char *with = NULL;

    *ret_is_ipv6 = false;
    /* A bridged network's subnet is the LAN's own. */
    if (segment->mode != MODE_MASQUERADED) {
        return NULL;
    }
    if (subnet.length > 0 &&
        subnet_find_conflict(subnet, facts, segment->group, NULL, &with)) {
        return g_strdup_printf("its subnet %s has come to overlap %s",
                               address_format_prefix4(subnet).text, with);
    }
    *ret_is_ipv6 = true;
    if (subnet6.length > 0 &&
        subnet6_find_conflict(&subnet6, facts, segment->group, NULL, &with)) {
        return g_strdup_printf("its IPv6 prefix %s has come to overlap %s",
                               address_format_prefix6(&subnet6).text, with);
    }
    return NULL;
}

/* Says what becomes of it when the ports are gone. */
static bool warn(Lookup *lookup, const char *overlap, bool is_ipv6,
                 char **ret_warning, GError **error)
{
    bool is_auto;

    if (!lookup_parse(lookup, error)) {
        return false;
    }
    is_auto = is_ipv6
                  ? lookup->network->subnet6_kind != NETWORK_SUBNET6_PREFIX
                  : lookup->network->subnet_auto;
    *ret_warning =
        is_auto ? g_strdup_printf("network '%s': %s; another is chosen when its "
                                  "live ports are gone: end them",
                                  lookup->name, overlap)
                : g_strdup_printf("network '%s': %s; end its live ports, and "
                                  "choose another in '%s', or \"auto\"",
                                  lookup->name, overlap, lookup->file);
    return true;
}

bool roam_look(Lookup *lookup, const Others *others, const Segment *kept,
               const FactsHost *facts, bool *ret_overlaps, char **warning,
               GError **error)
{
    bool overlaps = false;
    bool is_ipv6;

    for (guint i = 0; i < others->segments->len && !overlaps; i++) {
        g_autofree char *overlap =
            find_overlap(&g_array_index(others->segments, Segment, i), facts,
                         &is_ipv6);

        overlaps = overlap != NULL;
    }
    if (kept) {
        g_autofree char *overlap = find_overlap(kept, facts, &is_ipv6);

        if (overlap && !*warning &&
            !warn(lookup, overlap, is_ipv6, warning, error)) {
            return false;
        }
        overlaps = overlaps || overlap;
    }
    *ret_overlaps = overlaps;
    return true;
}
