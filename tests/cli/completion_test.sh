#!/usr/bin/env bash
# The completion script proposes options, choices and names where they belong.
set -u
PATH=$NRFLV_BUILD_DIR:$PATH
# shellcheck source=/dev/null
source <(nrflv --completion bash)
failed=0

# Completes the last of the words before "--"; the answer is in COMPREPLY.
propose() {
  COMP_WORDS=(nrflv)
  while [ "$1" != -- ]; do COMP_WORDS+=("$1"); shift; done
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  COMPREPLY=()
  compopt() { :; } # only works while the shell completes
  _nrflv
}

fail() {
  echo "completing '${COMP_WORDS[*]}': $1; proposed: ${COMPREPLY[*]}"
  failed=1
}

# expect_among WORDS... -- EXPECTED...: all these are proposed; expect_exactly: and nothing else.
expect_among() {
  propose "$@"
  while [ "$1" != -- ]; do shift; done
  shift
  for wanted in "$@"; do
    [[ " ${COMPREPLY[*]} " == *" $wanted "* ]] || fail "no $wanted"
  done
}

expect_exactly() {
  propose "$@"
  while [ "$1" != -- ]; do shift; done
  shift
  [ "${COMPREPLY[*]}" = "$*" ] || fail "not exactly $*"
}

# Every option that --help lists, with its --no_ form.
options() {
  nrflv --help | sed '1,/^What to do/d' | sed -n -E "$1"
}
while read -r option; do
  expect_among "$option" -- "$option"
done < <(options 's/^  --(\[no_\])?([a-z0-9_]+).*/--\2/p')
while read -r option; do
  expect_among "$option" -- "$option"
done < <(options 's/^  --\[no_\]([a-z0-9_]+).*/--no_\1/p')

expect_exactly --no_trai -- --no_train_model
expect_exactly --dataset C -- CIFAR10
expect_exactly --dataset = M -- MNIST
expect_exactly --initializer '' -- zeros random previous ff_init
expect_exactly --dataset CIFAR10 --act -- --activation
expect_among --randomize_args lr num -- num_it_pos num_it_neg
expect_among --override_loaded '' -- lr epochs seed
expect_exactly --lr '' --
[ "$(options '/^  --/p' | wc -l)" -gt 70 ] || { echo "too few options in --help"; failed=1; }

exit $failed
