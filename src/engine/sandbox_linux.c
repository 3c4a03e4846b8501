#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_LINUX_LANDLOCK_H
#include <linux/landlock.h>
#endif
#ifdef HAVE_SECCOMP
#include <seccomp.h>
#endif

#include "base/base.h"
#include "base/log.h"
#include "conf/conf.h"
#include "engine/sandbox.h"

/*
 * Commands may run as the engine's user: where the parent is somebody else
 * (root), nobody but root may look into our memory or trace us.
 */
static void
hide_memory(void)
{
	struct ucred parent;
	socklen_t len = sizeof(parent);

	if (getsockopt(0, SOL_SOCKET, SO_PEERCRED, &parent, &len) == 0 &&
	    parent.uid != geteuid())
		(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

#if defined(HAVE_LINUX_LANDLOCK_H) && defined(SYS_landlock_create_ruleset)

static int
allow_reading(int rules, int folder)
{
	const struct landlock_path_beneath_attr attr = {
		.allowed_access =
		    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
		.parent_fd = folder,
	};

	if (folder == -1)
		return 0;
	return (int)syscall(SYS_landlock_add_rule, rules,
	    LANDLOCK_RULE_PATH_BENEATH, &attr, 0);
}

/*
 * No file, whoever owns it, but those below the folder: everything else that
 * the engine needs is open.
 */
static void
forbid_files(int folder)
{
	static const uint64_t rights[] = {
		[0] = 0,
		[1] = (UINT64_C(1) << 13) - 1, /* all of the first version */
		[2] = (UINT64_C(1) << 14) - 1, /* and renaming across folders */
		[3] = (UINT64_C(1) << 15) - 1, /* and truncating */
	};
	struct landlock_ruleset_attr attr = { 0 };
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	long fd;

	if (abi < 1) {
		log_info("engine: no Landlock in this kernel, files are "
			 "guarded by permissions alone");
		return;
	}
	attr.handled_access_fs =
	    rights[(size_t)abi < nitems(rights) ? (size_t)abi
						: nitems(rights) - 1];
	fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (fd == -1 || allow_reading((int)fd, folder) == -1 ||
	    syscall(SYS_landlock_restrict_self, (int)fd, 0) == -1)
		log_warn("engine: Landlock: %s", strerror(errno));
	if (fd != -1)
		(void)close((int)fd);
}

#else

static void
forbid_files(int folder)
{
	(void)folder;
	log_debug("engine: built without Landlock");
}

#endif

#ifdef HAVE_SECCOMP

/* What serving takes, whatever the arguments. */
static const int allowed[] = {
	/* bytes in and out */
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(recvmsg),
	SCMP_SYS(recvfrom),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(close),
	SCMP_SYS(shutdown),
	/* sockets that exist */
	SCMP_SYS(accept4),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	SCMP_SYS(fcntl),
	/* waiting */
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(restart_syscall),
	/* memory; what may be mapped is below */
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	/* the process itself */
	SCMP_SYS(futex),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(getrandom),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(tgkill),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
};

/* What it takes to send the files of a folder. */
static const int allowed_files[] = {
	SCMP_SYS(openat),
	SCMP_SYS(openat2),
	SCMP_SYS(getdents64),
	SCMP_SYS(lseek),
	SCMP_SYS(pread64),
};

/* What nothing in the engine does: whoever tries is not the engine. */
static const int deadly[] = {
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(fork),
	SCMP_SYS(vfork),
	SCMP_SYS(clone),
	SCMP_SYS(clone3),
	SCMP_SYS(ptrace),
	SCMP_SYS(bpf),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(mount),
	SCMP_SYS(unshare),
	SCMP_SYS(setns),
	SCMP_SYS(kexec_load),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
};

static int
allow(scmp_filter_ctx ctx, const int *calls, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
	return rc;
}

static int
add_rules(scmp_filter_ctx ctx, bool files)
{
	int rc = allow(ctx, allowed, nitems(allowed));

	if (rc == 0 && files)
		rc = allow(ctx, allowed_files, nitems(allowed_files));
	for (size_t i = 0; i < nitems(deadly) && rc == 0; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, deadly[i], 0);
	/* no memory that can be executed */
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
		    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect),
		    1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	/* how much a socket still has to send */
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
		    SCMP_A1(SCMP_CMP_EQ, TIOCOUTQ, 0));
	return rc;
}

static void
forbid_calls(bool files)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int rc;

	if (ctx == NULL) {
		log_warn("engine: no system call filter");
		return;
	}
	if ((rc = add_rules(ctx, files)) != 0 || (rc = seccomp_load(ctx)) != 0)
		log_warn("engine: system call filter: %s", strerror(-rc));
	seccomp_release(ctx);
}

#else

static void
forbid_calls(bool files)
{
	(void)files;
	log_debug("engine: built without a system call filter");
}

#endif

/* Root may always, so this counts for engines of other users. */
static void
forbid_processes(void)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_NPROC, &none) == -1)
		log_warn("engine: RLIMIT_NPROC: %s", strerror(errno));
}

/*
 * The filter costs the kernel some time at each call and each switch to us (6 %
 * of a single session's round trips), so it is asked for; the rest is free.
 */
void
sandbox_enter(int how, int folder)
{
	if (how == CONF_SANDBOX_OFF)
		return;
	hide_memory();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		log_warn("engine: no_new_privs: %s", strerror(errno));
	forbid_processes();
	forbid_files(folder);
	if (how == CONF_SANDBOX_CALLS)
		forbid_calls(folder != -1);
}
