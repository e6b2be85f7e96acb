#!/bin/sh
# Builds git-comfy and installs it so that `git comfy` works: program, man pages, shell
# completions. `--demo` goes on to show what it does, in a scratch repository.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
prefix=${HOME:-}/.local
ready=
with_rust=no
action=install
demo=no

usage() {
	cat <<'USAGE'
Usage: ./install.sh [options]

  --demo            then show what git-comfy does, in a scratch repository
  --prefix DIR      install below DIR (default: ~/.local)
  --with-rust       if there is no Rust toolchain, get one from https://rustup.rs
  --binary FILE     install this ready-made program instead of building one
  --uninstall       take out what was installed below the prefix
  -h, --help        show this
USAGE
}

# ------------------------------------------------------------------ words to the person

if test -t 1 && test -z "${NO_COLOR:-}"; then
	bold=$(printf '\033[1m') dim=$(printf '\033[2m') red=$(printf '\033[31m')
	green=$(printf '\033[32m') plain=$(printf '\033[0m')
else
	bold='' dim='' red='' green='' plain=''
fi

say() { printf '%s\n' "$*"; }
title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
fail() {
	printf '%serror:%s %s\n' "$red" "$plain" "$1" >&2
	shift
	for line in "$@"; do printf '  %s\n' "$line" >&2; done
	exit 1
}

# ------------------------------------------------------------------ what building needs

need_git() {
	command -v git >/dev/null 2>&1 || fail "git is not installed." \
		"Debian, Ubuntu: sudo apt install git     Fedora: sudo dnf install git" \
		"macOS: xcode-select --install            Windows: https://git-scm.com"
}

need_cc() {
	command -v "${CC:-cc}" >/dev/null 2>&1 || fail "There is no C compiler; libgit2 is built from source." \
		"Debian, Ubuntu: sudo apt install build-essential" \
		"Fedora: sudo dnf install gcc             Arch: sudo pacman -S base-devel" \
		"macOS: xcode-select --install"
}

# The oldest Rust that builds this, as Cargo.toml has it.
oldest_rust() { sed -n 's/^rust-version = "\(.*\)"/\1/p' "$here/Cargo.toml"; }

# Whether version $1 is at least $2; both are numbers with dots.
at_least() {
	awk -v have="$1" -v want="$2" 'BEGIN {
		split(have, h, "."); split(want, w, ".")
		for (i = 1; i <= 3; i++) if (h[i] + 0 != w[i] + 0) exit h[i] + 0 < w[i] + 0
	}'
}

find_cargo() {
	command -v cargo >/dev/null 2>&1 && return 0
	# rustup puts it here; a shell that was open before does not know yet.
	test -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" || return 1
	PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
	export PATH
}

get_rust() {
	title "Getting a Rust toolchain from https://rustup.rs"
	if command -v curl >/dev/null 2>&1; then
		curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs >"$work/rustup.sh"
	elif command -v wget >/dev/null 2>&1; then
		wget -qO "$work/rustup.sh" https://sh.rustup.rs
	else
		fail "Neither curl nor wget is there to download with." "Get Rust from https://rustup.rs and run this again."
	fi
	sh "$work/rustup.sh" -y --profile minimal
	find_cargo || fail "rustup ran, but there is still no cargo." "See https://rustup.rs"
}

need_rust() {
	oldest=$(oldest_rust)
	if ! find_cargo; then
		test "$with_rust" = yes || fail "There is no Rust toolchain (cargo $oldest or newer), which builds git-comfy." \
			"./install.sh --with-rust${original:+ $original}" \
			"    gets one from https://rustup.rs, into your home folder, and goes on;" \
			"or get it yourself: https://rustup.rs, or your system's package manager."
		get_rust
	fi
	version=$(cargo --version 2>/dev/null | awk '{ print $2 }')
	test -n "$version" || fail "cargo is there, but does not run: $(command -v cargo)" "rustup default stable    often helps"
	at_least "${version%%-*}" "$oldest" || fail "Rust $version is too old: git-comfy needs $oldest or newer." \
		"rustup update stable" "If your Rust came from the system: https://rustup.rs has a newer one."
}

build() {
	need_cc
	need_rust
	title "Building git-comfy (the first time this takes some minutes)"
	# Whatever the person's own cargo is set to make: here it is for this machine.
	unset CARGO_BUILD_TARGET
	(cd "$here" && cargo build --release --locked) || fail "The build failed; the reason stands above."
	target=$(cd "$here" && cargo metadata --no-deps --locked --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
	ready=$target/release/git-comfy
	test -x "$ready" || fail "The build made no program at $ready"
}

# ------------------------------------------------------------------ install, uninstall

# What was installed, one path below the prefix on each line.
list() { printf '%s/share/git-comfy/installed' "$prefix"; }

# Puts file $1 below the prefix as $2, with mode $3; never half.
place() {
	mkdir -p "$(dirname "$prefix/$2")"
	cp "$1" "$prefix/$2.new"
	chmod "$3" "$prefix/$2.new"
	mv -f "$prefix/$2.new" "$prefix/$2"
	printf '%s\n' "$2" >>"$work/installed"
}

install_all() {
	need_git
	test -n "$ready" || build
	mkdir -p "$prefix" 2>/dev/null && test -w "$prefix" || fail "You may not write to $prefix." \
		"./install.sh --prefix DIR    with a folder of yours"
	prefix=$(cd "$prefix" && pwd)
	"$ready" generate man "$work/man"
	for shell in bash zsh fish; do "$ready" generate "$shell" "$work/$shell"; done
	place "$ready" bin/git-comfy 755
	for page in "$work"/man/*.1; do place "$page" "share/man/man1/${page##*/}" 644; done
	place "$work/bash/git-comfy" share/bash-completion/completions/git-comfy 644
	place "$work/zsh/_git-comfy" share/zsh/site-functions/_git-comfy 644
	place "$work/fish/git-comfy.fish" share/fish/vendor_completions.d/git-comfy.fish 644
	# What an earlier version had and this one has not.
	if test -f "$(list)"; then
		grep -vxF -f "$work/installed" "$(list)" | while IFS= read -r path; do rm -f "$prefix/$path"; done || :
	fi
	place "$work/installed" share/git-comfy/installed 644
	title "Installed $("$prefix/bin/git-comfy" --version)"
	say "  $prefix/bin/git-comfy, with man pages and completions for bash, zsh and fish"
	path_advice
}

path_advice() {
	found=$(command -v git-comfy 2>/dev/null || :)
	if test "$found" = "$prefix/bin/git-comfy"; then
		say "  Go into a folder of workflows and run: git comfy init"
	elif test -n "$found"; then
		say "  ${bold}Note:${plain} another one comes first on your PATH: $found"
	else
		case ${SHELL:-} in
		*/fish) line="fish_add_path '$prefix/bin'" file=~/.config/fish/config.fish ;;
		*/zsh) line="export PATH=\"$prefix/bin:\$PATH\"" file="~/.zshrc" ;;
		*) line="export PATH=\"$prefix/bin:\$PATH\"" file="~/.profile" ;;
		esac
		say "  ${bold}One thing is left:${plain} git finds it once $prefix/bin is on your PATH."
		say "  Add this to $file and open a new terminal:"
		say "    $line"
	fi
}

uninstall_all() {
	test -f "$(list)" || fail "Nothing of git-comfy is installed below $prefix." "--prefix DIR names another place"
	while IFS= read -r path; do
		case $path in
		/* | *..*) ;; # Not written by this script.
		*) rm -f "$prefix/$path" ;;
		esac
	done <"$(list)"
	rm -f "$(list)"
	for folder in share/git-comfy share/zsh/site-functions share/zsh share/fish/vendor_completions.d \
		share/fish share/bash-completion/completions share/bash-completion share/man/man1 share/man share bin; do
		rmdir "$prefix/$folder" 2>/dev/null || :
	done
	say "git-comfy is gone from $prefix."
	say "Repositories that were set up with it still name it, and git refuses to add workflows"
	say "there. In each of them (once with --global if you used that):"
	say "    git config --remove-section filter.comfy"
	say "Next time run \`git comfy uninstall\` there first: it takes out the rest, too."
}

# ------------------------------------------------------------------ the demo

# Runs a command for all to see, quoted as it would be typed.
show() {
	printf '\n%s$' "$bold"
	for word in "$@"; do
		case $word in *[!A-Za-z0-9_./:=~-]*) printf ' "%s"' "$word" ;; *) printf ' %s' "$word" ;; esac
	done
	printf '%s\n' "$plain"
	"$@"
}
# What ComfyUI's Save does: one of the bundled files becomes portrait.json.
save() {
	printf '\n%s# In ComfyUI: %s, then Save%s\n' "$dim" "$1" "$plain"
	cp "$saves/$2" "$3"
}
proved() { printf '%s  ok:%s %s\n' "$green" "$plain" "$*"; }
same() { cmp -s "$1" "$2" || fail "the demo expected $1 and $2 to be the same bytes"; }

# A world of its own: nothing here reads or writes your home folder or your git settings.
demo_world() {
	demo_home=$work/home
	mkdir -p "$demo_home" "$work/demo"
	for name in $(env | sed -n 's/^\(GIT_[A-Z0-9_]*\|XDG_[A-Z0-9_]*\)=.*/\1/p'); do unset "$name"; done
	HOME=$demo_home
	PATH=$prefix/bin:$PATH
	GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=$demo_home/.gitconfig GIT_PAGER=cat GIT_TERMINAL_PROMPT=0
	export HOME PATH GIT_CONFIG_NOSYSTEM GIT_CONFIG_GLOBAL GIT_PAGER GIT_TERMINAL_PROMPT
	git config --global user.name "An Artist"
	git config --global user.email artist@example.com
	git config --global init.defaultBranch main
	# A ComfyUI of yours that runs just now has nothing to do with this one.
	git config --global comfy.server off
	saves=$here/fixtures/demo
	demo_comfy "$work/demo/ComfyUI"
	cd "$work/demo"
}

# A ComfyUI beside the workflows, with two tiny made-up models of an hour ago.
demo_comfy() {
	mkdir -p "$1/comfy" "$1/custom_nodes" "$1/models/checkpoints" "$1/models/loras/portraits"
	: >"$1/main.py"
	: >"$1/folder_paths.py"
	echo '__version__ = "0.33.0"' >"$1/comfyui_version.py"
	for model in checkpoints/sd_xl_base_1.0.safetensors loras/portraits/film_grain_v2.safetensors; do
		# Four bytes of tensors, not the same for both.
		tensors=$(printf %.4s "$model")
		header='{"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}'
		printf '\065\000\000\000\000\000\000\000%s' "$header$tensors" >"$1/models/$model"
		touch -t 202601010000 "$1/models/$model"
	done
}

demo_add() {
	title "1. A workflow goes into git"
	show git init -q workflows
	cd workflows
	show git comfy init
	save "a text-to-image graph with a LoRA" portrait.json portrait.json
	save "a second pass in a subgraph" second-pass.json second-pass.json
	show git add .
	show git commit -q -m "A portrait of the lighthouse keeper"
	show git show --stat --format=%s
	test "$(git show HEAD:portrait.json | grep -c '"pos"')" = 0 || fail "positions got into the commit"
	proved "what is committed has no positions in it; the file on disk is as ComfyUI saved it"
	same portrait.json "$saves/portrait.json"
}

demo_layout() {
	title "2. Nodes are only moved about"
	save "drag four nodes, collapse one, resize a group, zoom" portrait-dragged.json portrait.json
	show git diff
	test -z "$(git diff)" || fail "a layout-only save shows in git diff"
	proved "git diff is empty"
	show git comfy refresh
	show git status --short
	test -z "$(git status --porcelain)" || fail "a layout-only save shows in git status"
	proved "nothing to commit, and nothing that blocks a checkout"
	same portrait.json "$saves/portrait-dragged.json"
}

demo_change() {
	title "3. A real change"
	save "cfg 5.5 instead of 7, candle light in the prompt" portrait-edited.json portrait.json
	show git diff
	git diff | grep -q 'cfg  7 -> 5.5' || fail "git diff does not tell the change in words"
	proved "git diff tells what changed, and not where nodes are"
	show git commit -q -a -m "Candle light, softer guidance"
	show git comfy log
	show git comfy blame portrait.json KSampler.cfg
	show git comfy show portrait.json
}

demo_record() {
	title "4. What was it made with?"
	model=../ComfyUI/models/checkpoints/sd_xl_base_1.0.safetensors
	if command -v sha256sum >/dev/null 2>&1; then
		digest=$(sha256sum "$model" | cut -c 1-10)
	else
		digest=$(openssl dgst -sha256 -r "$model" | cut -c 1-10)
	fi
	# Waits for the hashing that the commit started.
	git comfy --quiet record
	show git comfy show
	git comfy show | grep -q "$digest" || fail "the record does not have the digest of $model"
	proved "the record has the model by the hash of its bytes: $digest"
}

demo_checkout() {
	title "5. Back and forth in history: every node comes back to its place"
	show git checkout -q HEAD~1
	same portrait.json "$saves/portrait-dragged.json"
	proved "portrait.json has the bytes of the last save of that version"
	show git checkout -q main
	same portrait.json "$saves/portrait-edited.json"
	proved "and of this one"
	show rm portrait.json second-pass.json
	show git checkout -q -- .
	same portrait.json "$saves/portrait-edited.json"
	same second-pass.json "$saves/second-pass.json"
	proved "deleted files come back to the byte, positions and all"
}

demo_clone() {
	title "6. Another computer"
	show git init -q --bare ../studio.git
	show git remote add origin ../studio.git
	show git comfy init --quiet
	show git push -q -u origin main
	cd ..
	show git clone -q studio.git laptop
	cd laptop
	show git comfy init
	same portrait.json "$saves/portrait-edited.json"
	same second-pass.json "$saves/second-pass.json"
	proved "the clone has every node where it was"
	git comfy show | grep -q "$digest" || fail "the clone does not have the record"
	proved "and knows what the commit was made with"
	cd ../workflows
}

demo_merge() {
	title "7. Two people, one workflow"
	cd ../laptop
	save "on the laptop, Mia scales the image up, wants a 50mm lens, and cfg 4.5" portrait-scaled.json portrait.json
	show git commit -q -a -m "Larger, closer, softer"
	show git push -q
	cd ../workflows
	save "meanwhile here: a preview, dusk in the prompt, and cfg 6" portrait-preview.json portrait.json
	show git commit -q -a -m "Dusk, with a preview"
	show git pull -q --no-rebase && fail "two values for one cfg were merged in silence"
	git show :1:portrait.json >/dev/null 2>&1 || fail "the pull did not come to a merge"
	cp portrait.json "$work/conflicted.json"
	proved "both new nodes are in, the prompts are one; what only you can decide is asked"
	show git comfy resolve portrait.json --list || :
	show git comfy resolve portrait.json --theirs
	show git commit -q --no-edit
	for words in PreviewImage ImageScaleBy "keeper at dusk, weathered" "50mm, film grain" '"cfg": 4.5'; do
		git show HEAD:portrait.json | grep -q "$words" || fail "the merge lost $words"
	done
	grep -q git_comfy "$work/conflicted.json" || fail "the file in conflict does not say so"
	if grep -q git_comfy portrait.json; then fail "a trace of the conflict is left"; fi
	test -z "$(git status --porcelain)" || fail "something is left to do after the merge"
	git comfy check >/dev/null || fail "the merged workflow is not clean"
	proved "the merged workflow has what both did, and Mia's cfg"
}

demo_find() {
	title "8. Where did this picture come from?"
	mkdir -p ../output/keeper
	cp "$saves/keeper_00001_.png" ../output/keeper
	cp "$saves/keeper-shared.png" ../from-the-web.png
	printf '\n%s# ComfyUI made one picture. A smaller copy came back from the web, with nothing in it%s\n' "$dim" "$plain"
	show git comfy runs scan ../output
	show git comfy find ../from-the-web.png
	git comfy find --json ../from-the-web.png | grep -q keeper_00001_.png || fail "the picture is not found by its looks"
	proved "the copy leads to the run that made it"
	show git comfy restore ../from-the-web.png --as-queued -o ../back.json
	same_workflow ../back.json "$saves/portrait-dragged.json"
	proved "and gives its workflow back, as it was on the canvas, positions and all"
}

demo_reproduce() {
	title "9. Make it again, after a clean-up of the models"
	mkdir -p ../ComfyUI/models/loras/looks
	mv ../ComfyUI/models/loras/portraits/film_grain_v2.safetensors ../ComfyUI/models/loras/looks/grain.safetensors
	printf '\n%s# The LoRA of that picture was renamed. All that is left is the copy from the web%s\n' "$dim" "$plain"
	show git comfy reproduce ../from-the-web.png --open
	grep -q looks/grain.safetensors ../ComfyUI/user/default/workflows/from-the-web*.json || fail "the workflow does not name the LoRA by its new name"
	proved "the LoRA is found by its bytes, and the workflow is in ComfyUI's list under its new name"
}
# Two workflows with the same content and the same layout, whatever the spacing.
same_workflow() {
	test -z "$(git comfy diff --layout "$1" "$2" 2>/dev/null)" || fail "the demo expected $1 and $2 to be the same workflow"
}

run_demo() {
	demo_world
	title "What git-comfy does, in a scratch repository ($work/demo)"
	demo_add
	demo_layout
	demo_change
	demo_record
	demo_checkout
	demo_clone
	demo_merge
	demo_find
	demo_reproduce
	title "That is it. In a folder of your own workflows: git init, git comfy init."
}

# ------------------------------------------------------------------ start

original=
while test $# -gt 0; do
	case $1 in
	--demo) demo=yes original="${original:+$original }--demo" ;;
	--with-rust) with_rust=yes ;;
	--uninstall) action=uninstall ;;
	--prefix | --binary)
		test $# -gt 1 || fail "$1 needs a value" "./install.sh --help"
		if test "$1" = --prefix; then prefix=$2; else ready=$2; fi
		original="${original:+$original }$1 $2"
		shift
		;;
	--prefix=*) prefix=${1#*=} original="${original:+$original }$1" ;;
	--binary=*) ready=${1#*=} ;;
	-h | --help) usage && exit 0 ;;
	*)
		usage >&2
		fail "unknown option: $1"
		;;
	esac
	shift
done
test -n "$prefix" && test "$prefix" != /.local || fail "There is no HOME to install into." "./install.sh --prefix DIR"
case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
case $ready in '' | /*) ;; *) ready=$PWD/$ready ;; esac

work=$(mktemp -d "${TMPDIR:-/tmp}/git-comfy.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

case $action in
install) install_all ;;
uninstall) uninstall_all ;;
esac
if test "$demo" = yes; then run_demo; fi
