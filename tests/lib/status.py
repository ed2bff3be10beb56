# SPDX-License-Identifier: LGPL-2.1-or-later
"""Exit statuses of tapster-helper, as its man page lists them."""

(USAGE, CONFIG, DENIED, EXHAUSTED, BUSY, CONFLICT, UNSUPPORTED, KERNEL, SYSTEM,
 INTERNAL) = range(2, 12)
