#include <sys/syscall.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_LINUX_LANDLOCK_H
#include <linux/landlock.h>
#endif

#include "base/base.h"
#include "base/log.h"
#include "engine/sandbox_parts.h"

#if defined(HAVE_LINUX_LANDLOCK_H) && defined(SYS_landlock_create_ruleset)

/*
 * What is to be refused, as the newest kernel reads it. The system's headers
 * may know less than its kernel, which takes what an older one does not know
 * as long as that is zero.
 */
struct ruleset {
	uint64_t files;
	uint64_t network; /* since version 4: binding and connecting, of TCP */
	uint64_t scope;   /* since version 6: abstract sockets and signals */
};

/* All of each kind that a version has: a bit for each. */
static const struct {
	unsigned files, network, scope;
} known[] = {
	[0] = { 0, 0, 0 },
	[1] = { 13, 0, 0 },
	[2] = { 14, 0, 0 }, /* renaming across folders */
	[3] = { 15, 0, 0 }, /* truncating */
	[4] = { 15, 2, 0 },
	[5] = { 16, 2, 0 }, /* ioctl(2) of devices */
	[6] = { 16, 2, 2 },
};

static uint64_t
bits(unsigned n)
{
	return (UINT64_C(1) << n) - 1;
}

static int
allow_reading_below(int rules, int folder)
{
	const struct landlock_path_beneath_attr attr = {
		.allowed_access =
		    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
		.parent_fd = folder,
	};

	return (int)syscall(SYS_landlock_add_rule, rules,
	    LANDLOCK_RULE_PATH_BENEATH, &attr, 0);
}

static int
allow_reading(int rules, const struct sandbox *s)
{
	for (size_t i = 0; i < s->nfolders; i++)
		if (allow_reading_below(rules, s->folder[i]) == -1)
			return -1;
	return 0;
}

static void
restrict_to(const struct ruleset *set, const struct sandbox *s)
{
	int fd =
	    (int)syscall(SYS_landlock_create_ruleset, set, sizeof(*set), 0);

	if (fd == -1 || allow_reading(fd, s) == -1 ||
	    syscall(SYS_landlock_restrict_self, fd, 0) == -1)
		log_warn("%s: Landlock: %s", s->who, strerror(errno));
	if (fd != -1)
		(void)close(fd);
}

/* Everything that the process needs is open. */
void
sandbox_forbid_access(const struct sandbox *s)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	size_t v = abi < 1                ? 0
	    : (size_t)abi < nitems(known) ? (size_t)abi
					  : nitems(known) - 1;
	const struct ruleset set = {
		.files = bits(known[v].files),
		.network = bits(known[v].network),
		.scope = bits(known[v].scope),
	};

	if (v > 0)
		restrict_to(&set, s);
	else
		log_info("%s: no Landlock in this kernel, files are "
			 "guarded by permissions alone",
		    s->who);
}

#else

void
sandbox_forbid_access(const struct sandbox *s)
{
	log_info("%s: built without Landlock, files are guarded by "
		 "permissions alone",
	    s->who);
}

#endif
