"""Pieces of shell scripts for the differential test: words, assignments, and ways to run a marker."""

PLAIN = (
    "a", "bc", "x=1", "-f", "7", "a.b", "d/e", "q:r", "m,n",
)  # fmt: skip
"""Words that stand for themselves."""
QUOTED = (
    "'b c'", "'a  b'", "''", '""', '"d e"', "$'a\\tb'", "$'\\x41\\102'", "\\$x", "a\\ b", '\'a\'"b"c', '"\\"q\\""',
    "'$v'",
)  # fmt: skip
"""Quoted words."""
EXPANSIONS = (
    "$v", '"$v"', "${v}", '"${v}w"', "${v:-d}", "${u:-d e}", "${v:+y}", "${u-z}", "${v#a}", "${v##*b}", "${v%c}",
    "${v%%b*}", "${v/b/X}", "${v//b/X}", "${v/#a/S}", "${v/%c/E}", "${v^^}", "${v,,}", "${v^}", "${#v}", "${v:1}",
    "${v:1:2}", "${v: -2}", "${v:0:1}${v:2:1}", '"${l[@]}"', "${l[@]}", '"${l[*]}"', "${l[0]}", "${l[1]}", "${l[-1]}",
    "${#l[@]}", "${l[@]:1}", '"${l[@]:0:2}"', '"$@"', "$*", '"$*"', "$1", "$2", "$#", '"${@:2}"', "${!r}",
    "$(echo a b)", '"$(echo a  b)"', "`echo c`", "$(printf '%s,' a b)", "$((1+2))", "$((n*2))", "$((n+=1))",
    "$((0x10))", "$((n>2?1:0))", "$(( (n+1)%3 ))", "{a,b}", "x{1,2}y", "{1..3}", "{c..a}", "{a,b}{1,2}",
    "a{b,c{d,e}}", "{a}", "{1..5..2}", "${l[@]/a/b}", "${l[@]#a}", "$w", '"$w"', "pre$w", "${m[k]}", "${m[j]}",
    "$v$n", "${v@U}", '"${v@Q}"', "${l[n]}", "${l[$((n-3))]}", "$(( ${#v} - 1 ))", '$(echo "$v")', "$(echo $w)",
)  # fmt: skip
"""Words that are expanded; v, w, n, r are scalars, l and m arrays, u is not set."""
ASSIGNMENTS = (
    "v=abc", "v='a b c'", "v=$w", 'v="$v"d', "v+=x", "w='p  q'", "w=' p q '", "w=$(echo s t)", "l=(a 'b c' d)",
    "l+=(z)", "l=($w)", 'l=("$w" x)', "l[1]=new", "l=([2]=c [0]=a)", "n=3", "n=$((n+1))", "((n++))", "let n=n*2",
    "r=v", "r=w", "set -- $w", "set -- a 'b c'", "shift", "declare -A m=([k]=val [j]='two words')", "m[k]=other",
    "unset v", "unset u", "read v <<< 'x y'", "read -r a v <<< 'x y z'", "IFS=: read a v <<< 'x:y:z'",
    "read -ra l <<< 'a b  c'", "printf -v v '%s-' a b", "mapfile -t l <<< $'one\\ntwo words'", "IFS=,",
    "IFS=$' \\t\\n'", "export v", "export w=exp", "declare -i n=2+3", "declare v=dec", "readonly z=1", "v=(single)",
    "v=${l[*]}", "declare -n q=v; q=byref", "v=`echo t`", "x=1 y=2 v=$x", ": ${u:=assigned}",
)  # fmt: skip
"""What changes variables."""
HIDDEN = (
    "mark `echo c``echo d`", "m``ark a", "mark \"a``b`echo \\\"x\\\"``echo e`\"", "`echo ma``echo rk` f", "mark 'a``b'",
    'IFS=; mark $w "$w"', 'mark \'b\'x$w-f "b"$1 a\'b\'$2c', "mark ${u:+y} b", "${u:+echo} mark c",
    "echo a\n\\mark d", "x=1 y=mark\n$y e", "export x=1\n\\mark f", "mark \\ g\\ h i\\\nj", "eval mark $v x",
    'eval \'mark "$w"\'', "c=mark; $c e $v", 'c=(mark \'1 2\' $n); "${c[@]}"', "echo mark p $n | . /dev/stdin",
    "command mark b", "builtin eval mark d", "m''ark g", "\\mark h", "$'mark' i", "{mark,j,k}",
    'f() { mark f "$@"; }; f 1 \'2 3\'', "g() { local v=in; mark $v; }; g",
    'while read -r x; do mark "$x"; done <<< $\'l1\\nl 2\'', 'echo "$w" > f; mark "$(<f)"',
    "{ echo a; echo b; } > f; while read x; do mark $x; done < f", 'for i in $w "$w"; do mark $i; done',
    'for i; do mark "$i"; done', "for ((i=0;i<3;i++)); do mark $i ${v:i:1}; done",
    "case $v in a*) mark A;; *) mark O;; esac", "(v=sub; mark $v); mark $v", "mark <<< x",
    "echo x y | { read a b; mark $b; }", "exec 3<<< fd; read x <&3; mark $x", "cat() { mark cat; }; cat",
    "mark ${u:=dflt} $u", "if [[ $v == a* ]]; then mark T; else mark F; fi",
    '[[ abc =~ b(.) ]] && mark "${BASH_REMATCH[1]}"', "true && mark and", "false || mark or", "mark a; mark b & wait",
    "! mark n", "time mark t", "{ mark grp; }", "alias z='mark al'\nshopt -s expand_aliases\nz q",
    "trap 'mark tr' EXIT", "source <(echo mark s1)", "mark $(mark inner)", 'mark "$(mark a)$(mark b)"',
    "v=$(mark sub)", ": $(mark n)", "select x in one two; do mark $x; break; done <<< 1", "until mark u; do :; done",
    "while mark w; do break; done", '[ -n "$(mark t)" ]',
    'printf \'%s\\n\' \'mark p1\' \'mark p2\' | while read -r line; do eval "$line"; done',
    'f() { [ $# -gt 0 ] && { mark $1; shift; f "$@"; }; }; f a b', 'set -- mark dollar; "$@"',
    "a=m; b=ark; $a$b split", "printf -v c '\\x6dark'; $c hex", 'mark ${v:+"$w"}', 'mark a"b$v"\'c\'\\ d',
)  # fmt: skip
"""Commands that run a marker in some way."""
