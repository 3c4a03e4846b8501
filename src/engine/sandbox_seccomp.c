#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_SECCOMP
#include <seccomp.h>
#endif

#include "base/base.h"
#include "base/log.h"
#include "engine/sandbox_parts.h"

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x8 /* headers may be older than the system */
#endif

#ifdef HAVE_SECCOMP

#ifndef F_SETOWN_EX
#define F_SETSIG 10
#define F_SETOWN_EX 15
#endif
#ifndef F_NOTIFY
#define F_SETLEASE 1024
#define F_NOTIFY 1026
#endif
#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN 0x20000000
#endif

enum { SHARED_BELOW = 256 }; /* what a new engine has got is below that */

/*
 * Two filters. The first refuses what reaches beyond this process; the second,
 * if it is asked for, all that serving does not take.
 *
 * What the kernel can answer without a look at the arguments it answers from a
 * table, at next to no cost, so arguments are looked at in calls that are rare:
 * never in reading, writing and waiting. It takes most of them for 32 bits, and
 * so must we: the upper half may hold anything.
 */

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

static const int denied[] = {
	/* sockets, but those that there are, as they are */
	SCMP_SYS(socket), SCMP_SYS(socketpair), SCMP_SYS(socketcall),
	SCMP_SYS(bind), SCMP_SYS(connect), SCMP_SYS(listen), SCMP_SYS(sendmmsg),
	/* other processes */
	SCMP_SYS(kill), SCMP_SYS(tkill), SCMP_SYS(rt_sigqueueinfo),
	SCMP_SYS(rt_tgsigqueueinfo), SCMP_SYS(pidfd_open),
	SCMP_SYS(pidfd_getfd), SCMP_SYS(pidfd_send_signal), SCMP_SYS(kcmp),
	SCMP_SYS(setpgid), SCMP_SYS(setsid), SCMP_SYS(setpriority),
	SCMP_SYS(setrlimit), SCMP_SYS(ioprio_set), SCMP_SYS(sched_setaffinity),
	SCMP_SYS(sched_setattr), SCMP_SYS(sched_setparam),
	SCMP_SYS(sched_setscheduler), SCMP_SYS(migrate_pages),
	SCMP_SYS(move_pages),
	/* what is known of files by name, and of any that is open */
	SCMP_SYS(stat), SCMP_SYS(stat64), SCMP_SYS(lstat), SCMP_SYS(lstat64),
	SCMP_SYS(statfs), SCMP_SYS(statfs64), SCMP_SYS(access),
	SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink),
	SCMP_SYS(getxattr), SCMP_SYS(lgetxattr), SCMP_SYS(listxattr),
	SCMP_SYS(llistxattr), SCMP_SYS(chmod), SCMP_SYS(fchmod),
	SCMP_SYS(fchmodat), SCMP_SYS(chown), SCMP_SYS(chown32),
	SCMP_SYS(fchown), SCMP_SYS(fchown32), SCMP_SYS(lchown),
	SCMP_SYS(lchown32), SCMP_SYS(fchownat), SCMP_SYS(utime),
	SCMP_SYS(utimes), SCMP_SYS(futimesat), SCMP_SYS(utimensat),
	SCMP_SYS(utimensat_time64), SCMP_SYS(setxattr), SCMP_SYS(lsetxattr),
	SCMP_SYS(fsetxattr), SCMP_SYS(removexattr), SCMP_SYS(lremovexattr),
	SCMP_SYS(fremovexattr), SCMP_SYS(truncate), SCMP_SYS(truncate64),
	SCMP_SYS(ftruncate), SCMP_SYS(ftruncate64), SCMP_SYS(fallocate),
	SCMP_SYS(pwrite64), SCMP_SYS(pwritev), SCMP_SYS(splice), SCMP_SYS(tee),
	SCMP_SYS(vmsplice), SCMP_SYS(sendfile), SCMP_SYS(sendfile64),
	SCMP_SYS(copy_file_range), SCMP_SYS(flock), SCMP_SYS(creat),
	SCMP_SYS(link), SCMP_SYS(linkat), SCMP_SYS(symlink),
	SCMP_SYS(symlinkat), SCMP_SYS(rename), SCMP_SYS(renameat),
	SCMP_SYS(renameat2), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
	SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(rmdir), SCMP_SYS(mknod),
	SCMP_SYS(mknodat), SCMP_SYS(chdir), SCMP_SYS(fchdir), SCMP_SYS(chroot),
	SCMP_SYS(pivot_root), SCMP_SYS(umount), SCMP_SYS(umount2),
	SCMP_SYS(open_tree), SCMP_SYS(move_mount), SCMP_SYS(fsopen),
	SCMP_SYS(fspick), SCMP_SYS(name_to_handle_at),
	SCMP_SYS(open_by_handle_at), SCMP_SYS(inotify_init),
	SCMP_SYS(inotify_init1), SCMP_SYS(fanotify_init), SCMP_SYS(dup),
	SCMP_SYS(dup2), SCMP_SYS(dup3),
	/* memory that is executed, has a name, or is another's */
	SCMP_SYS(memfd_create), SCMP_SYS(pkey_mprotect),
	SCMP_SYS(remap_file_pages), SCMP_SYS(personality),
	SCMP_SYS(userfaultfd), SCMP_SYS(shmget), SCMP_SYS(shmat),
	SCMP_SYS(shmctl), SCMP_SYS(semget), SCMP_SYS(semop), SCMP_SYS(semctl),
	SCMP_SYS(semtimedop), SCMP_SYS(semtimedop_time64), SCMP_SYS(msgget),
	SCMP_SYS(msgsnd), SCMP_SYS(msgrcv), SCMP_SYS(msgctl), SCMP_SYS(ipc),
	SCMP_SYS(mq_open), SCMP_SYS(mq_unlink),
	/* the kernel's larger rooms */
	SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register), SCMP_SYS(io_setup), SCMP_SYS(io_submit),
	SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(keyctl),
	SCMP_SYS(perf_event_open), SCMP_SYS(prctl), SCMP_SYS(seccomp),
	SCMP_SYS(syslog), SCMP_SYS(acct), SCMP_SYS(quotactl), SCMP_SYS(swapon),
	SCMP_SYS(swapoff), SCMP_SYS(reboot), SCMP_SYS(sethostname),
	SCMP_SYS(setdomainname), SCMP_SYS(settimeofday),
	SCMP_SYS(clock_settime), SCMP_SYS(adjtimex), SCMP_SYS(clock_adjtime),
	SCMP_SYS(delete_module), SCMP_SYS(kexec_file_load), SCMP_SYS(vhangup),
	SCMP_SYS(iopl), SCMP_SYS(ioperm), SCMP_SYS(modify_ldt),
	/* who we are */
	SCMP_SYS(setuid), SCMP_SYS(setgid), SCMP_SYS(setreuid),
	SCMP_SYS(setregid), SCMP_SYS(setresuid), SCMP_SYS(setresgid),
	SCMP_SYS(setfsuid), SCMP_SYS(setfsgid), SCMP_SYS(setgroups),
	SCMP_SYS(capset),
#ifndef __mips__
	/* of the same kinds, with the numbers that they have everywhere: the
	   library may be older */
	440, /* process_madvise */
	442, /* mount_setattr */
	443, /* quotactl_fd */
	447, /* memfd_secret */
	448, /* process_mrelease */
	452, /* fchmodat2 */
	457, /* statmount */
	458, /* listmount */
	460, /* lsm_set_self_attr */
	463, /* setxattrat */
	464, /* getxattrat */
	465, /* listxattrat */
	466, /* removexattrat */
	467, /* open_tree_attr */
	468, /* file_getattr */
	469, /* file_setattr */
#endif
};

/* What it takes to send the files of a folder. */
static const int files[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2),
	SCMP_SYS(readlinkat), SCMP_SYS(newfstatat), SCMP_SYS(fstatat64),
	SCMP_SYS(statx), /* newer systems have no other fstat(2) */
};

/* Denied if the argument is like that; more of one call: if one of them is. */
static const struct condition {
	int call;
	struct scmp_arg_cmp arg;
} conditions[] = {
#define LOW(n, value)                                    \
	{                                                \
		n, SCMP_CMP_MASKED_EQ, UINT32_MAX, value \
	}
#define BIT(n, bit)                             \
	{                                       \
		n, SCMP_CMP_MASKED_EQ, bit, bit \
	}
#define NOT(n, value)                    \
	{                                \
		n, SCMP_CMP_NE, value, 0 \
	}
	/* no connection that begins with its first bytes */
	{ SCMP_SYS(sendto), BIT(3, MSG_FASTOPEN) },
	{ SCMP_SYS(sendmsg), BIT(2, MSG_FASTOPEN) },
	/* SHUT_WR alone: it does nothing to those that listen */
	{ SCMP_SYS(shutdown), LOW(1, SHUT_RD) },
	{ SCMP_SYS(shutdown), LOW(1, SHUT_RDWR) },
	/* one that is to be reset: the others were inherited */
	{ SCMP_SYS(setsockopt), NOT(1, SOL_SOCKET) },
	{ SCMP_SYS(setsockopt), NOT(2, SO_LINGER) },
	/* what others see who have the descriptor, and signals */
	{ SCMP_SYS(fcntl), LOW(1, F_SETFL) },
	{ SCMP_SYS(fcntl), LOW(1, F_SETOWN) },
	{ SCMP_SYS(fcntl), LOW(1, F_SETSIG) },
	{ SCMP_SYS(fcntl), LOW(1, F_SETOWN_EX) },
	{ SCMP_SYS(fcntl), LOW(1, F_SETLEASE) },
	{ SCMP_SYS(fcntl), LOW(1, F_NOTIFY) },
	{ SCMP_SYS(fcntl64), LOW(1, F_SETFL) },
	{ SCMP_SYS(fcntl64), LOW(1, F_SETOWN) },
	{ SCMP_SYS(fcntl64), LOW(1, F_SETSIG) },
	{ SCMP_SYS(fcntl64), LOW(1, F_SETOWN_EX) },
	{ SCMP_SYS(fcntl64), LOW(1, F_SETLEASE) },
	{ SCMP_SYS(fcntl64), LOW(1, F_NOTIFY) },
	/* lines of the log, where write(2) would put them, without blocking */
	{ SCMP_SYS(pwritev2), NOT(0, STDERR_FILENO) },
	{ SCMP_SYS(pwritev2), NOT(3, UINT64_MAX) },
	{ SCMP_SYS(pwritev2), NOT(5, RWF_NOWAIT) },
	/* how much a socket still has to send */
	{ SCMP_SYS(ioctl), NOT(1, TIOCOUTQ) },
	/* the limits of this process, to be read */
	{ SCMP_SYS(prlimit64), NOT(0, 0) },
	{ SCMP_SYS(prlimit64), NOT(2, 0) },
	/* no memory that can be executed */
	{ SCMP_SYS(mmap), BIT(2, PROT_EXEC) },
	{ SCMP_SYS(mmap2), BIT(2, PROT_EXEC) },
	{ SCMP_SYS(mprotect), BIT(2, PROT_EXEC) },
};

/* Where a descriptor shared with others could be spoilt for them. */
static const int spoiling[] = {
	SCMP_SYS(fcntl), SCMP_SYS(fcntl64), SCMP_SYS(lseek), SCMP_SYS(_llseek),
	SCMP_SYS(setsockopt), SCMP_SYS(shutdown),
	SCMP_SYS(sendmsg), /* whose address is behind a pointer */
};

/* What serving takes. */
static const int allowed[] = {
	/* bytes in and out */
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(write), SCMP_SYS(writev),
	SCMP_SYS(pwritev2), SCMP_SYS(recvmsg), SCMP_SYS(recvfrom),
	SCMP_SYS(sendmsg), SCMP_SYS(sendto), SCMP_SYS(close),
	SCMP_SYS(shutdown),
	/* sockets that exist */
	SCMP_SYS(accept4), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
	SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(ioctl),
	SCMP_SYS(fcntl), SCMP_SYS(fcntl64),
	/* waiting */
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_ctl),
#ifndef __mips__
	441, /* epoll_pwait2, of newer libevents */
#endif
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(ppoll_time64),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_gettime64),
	SCMP_SYS(clock_getres), SCMP_SYS(clock_getres_time64),
	SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(restart_syscall),
	/* memory */
	SCMP_SYS(brk), SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(munmap),
	SCMP_SYS(mprotect), SCMP_SYS(mremap), SCMP_SYS(madvise),
	/* the process itself */
	SCMP_SYS(futex), SCMP_SYS(futex_time64), SCMP_SYS(getpid),
	SCMP_SYS(gettid), SCMP_SYS(getrandom), SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(tgkill),
	SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(fstat),
	SCMP_SYS(fstat64),
	SCMP_SYS(seccomp), /* until the other filter is loaded */
};

/* And to send files, besides what opens them. */
static const int reading[] = {
	SCMP_SYS(getdents64),
	SCMP_SYS(lseek),
	SCMP_SYS(_llseek),
	SCMP_SYS(pread64),
};

/* ------------------------------------------------- rules */

static int
add_all(scmp_filter_ctx ctx, uint32_t action, const int *calls, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = seccomp_rule_add(ctx, action, calls[i], 0);
	return rc;
}

static int
deny_if(scmp_filter_ctx ctx, int call, struct scmp_arg_cmp arg)
{
	return seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO(EPERM), call, 1,
	    &arg);
}

static bool
has_option(int fd, int option, int value)
{
	socklen_t len = sizeof(int);
	int now;

	return getsockopt(fd, SOL_SOCKET, option, &now, &len) == 0 &&
	    now == value;
}

/* Listening sockets, standard error, and a socket to the system's log. */
static bool
is_shared(int fd)
{
	return fd == STDERR_FILENO || has_option(fd, SO_ACCEPTCONN, 1) ||
	    (has_option(fd, SO_DOMAIN, AF_UNIX) &&
		has_option(fd, SO_TYPE, SOCK_DGRAM));
}

/* The numbers stay theirs: no call that is left duplicates what is shared. */
static int
guard_shared(scmp_filter_ctx ctx)
{
	int rc = 0;

	for (int fd = 0; fd < SHARED_BELOW; fd++) {
		if (!is_shared(fd))
			continue;
		for (size_t i = 0; i < nitems(spoiling) && rc == 0; i++)
			rc = deny_if(ctx, spoiling[i],
			    (struct scmp_arg_cmp)LOW(0, (unsigned)fd));
	}
	return rc;
}

static int
add_conditions(scmp_filter_ctx ctx, bool asks)
{
	const struct scmp_arg_cmp somebody = NOT(4, 0);
	const struct scmp_arg_cmp others = NOT(0, (unsigned)getpid());
	int rc = 0;

	for (size_t i = 0; i < nitems(conditions) && rc == 0; i++)
		rc = deny_if(ctx, conditions[i].call, conditions[i].arg);
	if (rc == 0)
		rc = deny_if(ctx, SCMP_SYS(tgkill), others);
	if (rc == 0 && !asks)
		rc = deny_if(ctx, SCMP_SYS(sendto), somebody);
	return rc;
}

static int
add_denied(scmp_filter_ctx ctx, const struct sandbox *s)
{
	int rc = add_all(ctx, SCMP_ACT_KILL_PROCESS, deadly, nitems(deadly));

	if (rc == 0)
		rc =
		    add_all(ctx, SCMP_ACT_ERRNO(EPERM), denied, nitems(denied));
	if (rc == 0 && s->nfolders == 0)
		rc = add_all(ctx, SCMP_ACT_ERRNO(EPERM), files, nitems(files));
	if (rc == 0)
		rc = add_conditions(ctx, s->asks);
	return rc == 0 ? guard_shared(ctx) : rc;
}

static int
add_allowed(scmp_filter_ctx ctx, const struct sandbox *s)
{
	int rc = add_all(ctx, SCMP_ACT_ALLOW, allowed, nitems(allowed));

	if (rc == 0 && s->nfolders > 0)
		rc = add_all(ctx, SCMP_ACT_ALLOW, files, nitems(files));
	if (rc == 0 && s->nfolders > 0)
		rc = add_all(ctx, SCMP_ACT_ALLOW, reading, nitems(reading));
	return rc;
}

/* ------------------------------------------------- filters */

/*
 * The kernel is told not to slow us down against guesses of the processor,
 * which it otherwise takes a filter for the wish to have.
 */
static void
load(const struct sandbox *s, uint32_t others,
    int (*add)(scmp_filter_ctx, const struct sandbox *))
{
	scmp_filter_ctx ctx = seccomp_init(others);
	int rc;

	if (ctx == NULL) {
		log_warn("%s: no system call filter", s->who);
		return;
	}
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_SSB, 1);
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0); /* is set */
	if ((rc = add(ctx, s)) != 0 || (rc = seccomp_load(ctx)) != 0)
		log_warn("%s: system call filter: %s", s->who, strerror(-rc));
	seccomp_release(ctx);
}

/* The stricter first: the other one would not let it be loaded. */
void
sandbox_forbid_calls(const struct sandbox *s, bool strict)
{
	if (strict)
		load(s, SCMP_ACT_ERRNO(EPERM), add_allowed);
	load(s, SCMP_ACT_ALLOW, add_denied);
}

#else

void
sandbox_forbid_calls(const struct sandbox *s, bool strict)
{
	(void)strict;
	log_info("%s: built without a system call filter: it can still "
		 "open sockets and signal processes of its user where "
		 "Landlock does not forbid it",
	    s->who);
}

#endif
