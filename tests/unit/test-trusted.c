/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/fd.h"
#include "base/trusted.h"

#include <glib/gstdio.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * trusted_read() walks from the root directory, and every directory on the way
 * must be root's. Without root's rights, root is whoever a user namespace says,
 * and the root directory a directory of ours.
 */

#define SIZE_MAX_BYTES 16

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write(fd, text, strlen(text)), ==, strlen(text));
    close(fd);
}

static void map_self_to_root(const char *file, guint id)
{
    g_autofree char *line = g_strdup_printf("0 %u 1\n", id);

    write_file(file, line);
}

/* Returns false if this host lets nobody but root have a root directory. */
static bool enter_root(const char *directory)
{
    guint uid = getuid();
    guint gid = getgid();

    if (geteuid() != 0) {
        if (unshare(CLONE_NEWUSER) < 0) {
            return false;
        }
        write_file("/proc/self/setgroups", "deny");
        map_self_to_root("/proc/self/uid_map", uid);
        map_self_to_root("/proc/self/gid_map", gid);
    }
    return chroot(directory) == 0 && chdir("/") == 0;
}

typedef struct {
    GBytes *contents;
    FileIdentity identity;
    bool masked;
    GError *error;
} Result;

static void result_clear(Result *result)
{
    g_clear_pointer(&result->contents, g_bytes_unref);
    g_clear_error(&result->error);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Result, result_clear)

static Result read_trusted(const char *path)
{
    Result result = {.identity = {.device = 7}, .masked = true};
    bool done = trusted_read(path, SIZE_MAX_BYTES, &result.contents,
                             &result.identity, &result.masked, &result.error);

    g_assert_true(done == (result.error == NULL));
    return result;
}

static void assert_contents(const char *path, const char *expected)
{
    g_auto(Result) result = read_trusted(path);
    static const FileIdentity none;

    g_assert_no_error(result.error);
    g_assert_false(result.masked);
    g_assert_nonnull(result.contents);
    g_assert_cmpmem(g_bytes_get_data(result.contents, NULL),
                    g_bytes_get_size(result.contents), expected,
                    strlen(expected));
    g_assert_false(file_identity_equal(&result.identity, &none));
    g_assert_cmpuint(result.identity.size, ==, strlen(expected));
}

static void assert_none(const char *path, bool masked)
{
    g_auto(Result) result = read_trusted(path);
    static const FileIdentity none;

    g_assert_no_error(result.error);
    g_assert_null(result.contents);
    g_assert_cmpint(result.masked, ==, masked);
    g_assert_true(file_identity_equal(&result.identity, &none));
    /* nobody has to ask */
    g_assert_true(trusted_read(path, SIZE_MAX_BYTES, &result.contents,
                               &result.identity, NULL, NULL));
}

static void assert_refused(const char *path, const char *message)
{
    g_auto(Result) result = read_trusted(path);

    g_assert_error(result.error, TAPSTER_ERROR, TAPSTER_ERROR_CONFIG);
    g_assert_cmpstr(result.error->message, ==, message);
    g_assert_null(result.contents);
    g_assert_cmpuint(result.identity.device, ==, 7);
}

static void check_kinds(void)
{
    write_file("/a/file", "{}");
    assert_contents("/a/file", "{}");
    write_file("/top", "top");
    assert_contents("/top", "top");
    write_file("/a/limit", "0123456789abcdef");
    assert_contents("/a/limit", "0123456789abcdef");
    write_file("/a/long", "0123456789abcdefg");
    assert_refused("/a/long", "'/a/long' is larger than 16 bytes");
    g_assert_cmpint(mkfifo("/a/fifo", 0600), ==, 0);
    assert_refused("/a/fifo", "'/a/fifo' is not a regular file");
    assert_refused("/a/b", "'/a/b' is not a regular file");
    assert_refused("/a/file/x", "'/a/file' is not a directory (links are not "
                                "followed here)");
}

static void check_absence(void)
{
    assert_none("/a/none", false);
    assert_none("/none/none", false);
    assert_none("/none", false);
    write_file("/a/empty", "");
    assert_none("/a/empty", true);
    g_assert_cmpint(symlink("/dev/null", "/a/null"), ==, 0);
    assert_none("/a/null", true);
}

static void check_links(void)
{
    static const char *const targets[] = {
        "/a/file", "file", "/dev/null2", "/dev/nul", "/dev//null", "null",
        "/nowhere", "/dev/null/something-long",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(targets); i++) {
        g_assert_cmpint(symlink(targets[i], "/a/link"), ==, 0);
        assert_refused("/a/link", "open '/a/link' (links are not followed "
                                  "here): Too many levels of symbolic links");
        g_assert_cmpint(unlink("/a/link"), ==, 0);
    }
    g_assert_cmpint(symlink("/a", "/c"), ==, 0);
    assert_refused("/c/file", "'/c' is not a directory (links are not followed "
                              "here)");
}

static void check_modes(void)
{
    const char *line = "'/a/file' can be written by others than root; it "
                       "decides what users may do, so: chmod go-w /a/file";
    const char *above = "'/a' can be written by others than root; it "
                        "decides what users may do, so: chmod go-w /a";

    g_assert_cmpint(chmod("/a/file", 0664), ==, 0);
    assert_refused("/a/file", line);
    g_assert_cmpint(chmod("/a/file", 0602), ==, 0);
    assert_refused("/a/file", line);
    g_assert_cmpint(chmod("/a/file", 0644), ==, 0);
    g_assert_cmpint(chmod("/a", 01777), ==, 0);
    assert_refused("/a/file", above);
    assert_none("/a/b/c", false); /* what is not there harms nobody */
    g_assert_cmpint(chmod("/a", 0755), ==, 0);
    assert_contents("/a/file", "{}");

    /* a masked name is one only where masking is root's to do */
    g_assert_cmpint(chmod("/a/empty", 0666), ==, 0);
    assert_refused("/a/empty",
                   "'/a/empty' can be written by others than root; it decides "
                   "what users may do, so: chmod go-w /a/empty");
}

/* Needs root's right to give files away. */
static void check_owners(void)
{
    if (chown("/a/file", 1, 0) < 0) {
        return;
    }
    assert_refused("/a/file", "'/a/file' does not belong to root; it decides "
                              "what users may do, so: chown root /a/file");
    g_assert_cmpint(chown("/a/file", 0, 1), ==, 0);
    assert_contents("/a/file", "{}");
    g_assert_cmpint(chown("/a", 1, 0), ==, 0);
    assert_refused("/a/file", "'/a' does not belong to root; it decides what "
                              "users may do, so: chown root /a");
    g_assert_cmpint(chown("/a", 0, 0), ==, 0);
}

static void check_identity(void)
{
    g_auto(Result) first = read_trusted("/a/file");
    g_auto(Result) again = read_trusted("/a/file");

    g_assert_true(file_identity_equal(&first.identity, &again.identity));
    g_assert_cmpint(rename("/a/limit", "/a/file"), ==, 0);
    g_auto(Result) other = read_trusted("/a/file");
    g_assert_false(file_identity_equal(&first.identity, &other.identity));
}

static char *make_directory(void)
{
    g_autoptr(GError) error = NULL;
    char *directory = g_dir_make_tmp("tapster-XXXXXX", &error);

    g_assert_no_error(error);
    g_assert_cmpint(chmod(directory, 0755), ==, 0);
    return directory;
}

static void remove_tree(const char *path)
{
    g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
    const char *name;

    while (directory && (name = g_dir_read_name(directory))) {
        g_autofree char *below = g_build_filename(path, name, NULL);

        if (g_file_test(below, G_FILE_TEST_IS_SYMLINK) ||
            !g_file_test(below, G_FILE_TEST_IS_DIR)) {
            (void)g_unlink(below);
        } else {
            remove_tree(below);
        }
    }
    (void)g_rmdir(path);
}

/* In a process of its own: there is no way back out of a root directory. */
static void test_trusted(void)
{
    if (!g_test_subprocess()) {
        g_autofree char *directory = make_directory();

        g_setenv("TEST_ROOT", directory, TRUE);
        g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
        remove_tree(directory);
        g_test_trap_assert_passed();
        return;
    }
    umask(022);
    if (!enter_root(g_getenv("TEST_ROOT"))) {
        g_error("neither root nor a user namespace is to be had");
    }
    g_assert_cmpint(mkdir("/a", 0755), ==, 0);
    g_assert_cmpint(mkdir("/a/b", 0755), ==, 0);
    check_kinds();
    check_absence();
    check_links();
    check_modes();
    check_owners();
    check_identity();
    /* not exit(): a leak checker finds no /proc here */
    _exit(0);
}

/* The same without a root directory of ours, as far as the host's files go. */
static void test_trusted_here(void)
{
    g_autofree char *mine = g_strdup_printf("/proc/%d", (int)getpid());
    g_autofree char *file = g_strconcat(mine, "/status", NULL);
    g_autofree char *line = g_strdup_printf(
        "'%s' does not belong to root; it decides what users may do, so: "
        "chown root %s", mine, mine);

    assert_refused("/proc/self/status",
                   "'/proc/self' is not a directory (links are not followed "
                   "here)");
    assert_refused("/proc/self",
                   "open '/proc/self' (links are not followed here): "
                   "Too many levels of symbolic links");
    if (geteuid() != 0) {
        assert_refused(file, line);
    }
}

static GBytes *read_callers(const char *path)
{
    g_autoptr(GError) error = NULL;
    GBytes *contents = NULL;

    g_assert_true(caller_read(path, SIZE_MAX_BYTES, &contents, &error));
    g_assert_no_error(error);
    return contents;
}

static void assert_caller_refused(const char *path, const char *what)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *message = g_strdup_printf("'%s' %s", path, what);
    GBytes *contents = NULL;

    g_assert_false(caller_read(path, SIZE_MAX_BYTES, &contents, &error));
    g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_CONFIG);
    g_assert_cmpstr(error->message, ==, message);
    g_assert_null(contents);
}

static void test_caller(void)
{
    g_autofree char *directory = make_directory();
    g_autofree char *old = g_get_current_dir();
    g_autoptr(GError) error = NULL;
    GBytes *none = NULL;

    g_assert_cmpint(chdir(directory), ==, 0);
    write_file("file", "0123456789abcdef");
    write_file("long", "0123456789abcdefg");
    write_file("empty", "");
    g_assert_cmpint(symlink("file", "link"), ==, 0);
    g_assert_cmpint(symlink("nowhere", "dangling"), ==, 0);
    g_assert_cmpint(symlink("loop", "loop"), ==, 0);
    g_assert_cmpint(symlink("/dev/zero", "device"), ==, 0);
    g_assert_cmpint(mkfifo("fifo", 0600), ==, 0);

    g_autoptr(GBytes) file = read_callers("file");
    g_autoptr(GBytes) link = read_callers("link");
    g_autoptr(GBytes) empty = read_callers("empty");
    g_assert_cmpuint(g_bytes_get_size(file), ==, 16);
    g_assert_true(g_bytes_equal(file, link));
    g_assert_cmpuint(g_bytes_get_size(empty), ==, 0);
    g_assert_null(read_callers("none"));
    g_assert_null(read_callers("none/none"));
    g_assert_null(read_callers("file/none"));
    g_assert_null(read_callers("dangling"));
    assert_caller_refused("long", "is larger than 16 bytes");
    assert_caller_refused("fifo", "is not a regular file");
    assert_caller_refused("device", "is not a regular file");
    assert_caller_refused(".", "is not a regular file");
    g_assert_false(caller_read("loop", SIZE_MAX_BYTES, &none, &error));
    g_assert_cmpstr(error->message, ==,
                    "open 'loop': Too many levels of symbolic links");

    g_assert_cmpint(chdir(old), ==, 0);
    remove_tree(directory);
}

/* Written, replaced, removed. */
static void test_unchanged(void)
{
    g_autofree char *path = g_strdup("/tmp/tapster-unchanged-XXXXXX");
    autofd fd = g_mkstemp(path);
    FileIdentity identity = {0};
    struct stat status;

    g_assert_cmpint(fd, >=, 0);
    g_assert_false(trusted_unchanged(fd, &identity));
    g_assert_false(trusted_unchanged(-1, &identity));
    g_assert_cmpint(fstat(fd, &status), ==, 0);
    identity = (FileIdentity){
        .device = status.st_dev,
        .inode = status.st_ino,
        .modified_ns = (gint64)status.st_mtim.tv_sec * 1000000000 +
                       status.st_mtim.tv_nsec,
        .changed_ns = (gint64)status.st_ctim.tv_sec * 1000000000 +
                      status.st_ctim.tv_nsec,
    };
    g_assert_true(trusted_unchanged(fd, &identity));
    g_usleep(20000); /* a tick of the clock that files are stamped by */
    g_assert_cmpint(unlink(path), ==, 0);
    g_assert_false(trusted_unchanged(fd, &identity));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/trusted/own-root", test_trusted);
    g_test_add_func("/trusted/here", test_trusted_here);
    g_test_add_func("/trusted/caller", test_caller);
    g_test_add_func("/trusted/unchanged", test_unchanged);
    return g_test_run();
}
