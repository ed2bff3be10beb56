/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "facts/facts.h"

#include <string.h>

/*
 * Looking things up in facts. They are small arrays in the kernel's order;
 * commands and the making of a network search them a few times, starts never.
 */

void facts_host_free(FactsHost *facts)
{
    if (!facts) {
        return;
    }
    g_clear_pointer(&facts->links, g_array_unref);
    g_clear_pointer(&facts->addresses, g_array_unref);
    g_clear_pointer(&facts->routes, g_array_unref);
    g_clear_pointer(&facts->addresses6, g_array_unref);
    g_clear_pointer(&facts->routes6, g_array_unref);
    g_clear_pointer(&facts->foreign, g_array_unref);
    g_free(facts);
}

const FactsLink *facts_find_link(const FactsHost *facts, int ifindex)
{
    for (guint i = 0; i < facts->links->len; i++) {
        const FactsLink *link = &g_array_index(facts->links, FactsLink, i);

        if (link->ifindex == ifindex) {
            return link;
        }
    }
    return NULL;
}

const FactsLink *facts_find_link_by_name(const FactsHost *facts,
                                         const char *name)
{
    for (guint i = 0; i < facts->links->len; i++) {
        const FactsLink *link = &g_array_index(facts->links, FactsLink, i);

        if (strcmp(link->name.name, name) == 0) {
            return link;
        }
    }
    return NULL;
}

GHashTable *facts_links_of_group(const FactsHost *facts, guint32 group)
{
    GHashTable *set = g_hash_table_new(g_int_hash, g_int_equal);

    for (guint i = 0; i < facts->links->len; i++) {
        FactsLink *link = &g_array_index(facts->links, FactsLink, i);

        if (link->group == group) {
            g_hash_table_add(set, &link->ifindex);
        }
    }
    return set;
}
