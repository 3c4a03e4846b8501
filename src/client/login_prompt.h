/*
 * A question at the terminal whose answer is not shown.
 */
#ifndef CLIENT_LOGIN_PROMPT_H
#define CLIENT_LOGIN_PROMPT_H

/*
 * Ask on /dev/tty, whatever standard input is. Gives the line, for
 * login_secret_free_text(); NULL: there is no terminal, or no answer. The
 * terminal is left as it was, also when a signal ends us.
 */
char *login_prompt_secret(const char *question);

#endif
