/* interrupt.c - leaves a note when a signal asks to stop; library code polls it through nrf_progress. */
#include "cli/interrupt.h"

#include <signal.h>
#include <stddef.h>

/* The one global that changes: a signal handler can reach nothing else. */
static volatile sig_atomic_t received;

static void take_note(int signal_number)
{
  if (received == 0) received = signal_number;
}

nrf_status nrf_interrupt_install(void)
{
  /* SA_RESTART: a read or write under way is not disturbed. SA_RESETHAND on SIGINT: the next one kills,
   * for whoever will not wait for the step to finish. */
  static const struct {
    int signal_number, flags;
  } handled[] = {{SIGINT, SA_RESTART | SA_RESETHAND}, {SIGTERM, SA_RESTART}, {SIGUSR1, SA_RESTART}};

  for (size_t i = 0; i < sizeof handled / sizeof *handled; i++) {
    struct sigaction action = {.sa_handler = take_note, .sa_flags = handled[i].flags};
    (void)sigemptyset(&action.sa_mask);
    if (sigaction(handled[i].signal_number, &action, NULL) != 0) return nrf_error_errno("signal handler");
  }
  return NRF_OK;
}

int nrf_interrupt_signal(void)
{
  return received;
}
