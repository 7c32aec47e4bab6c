# expands section marks into labels, mixes the order
awk 'BEGIN{m["@c"]="commits";m["@g"]="grants";m["@cg"]="commits+grants";m["@gd"]="grants+done";m["@d"]="done";m["@k"]="conditional";m["@a"]="attends";m["@n"]="none";m["@cd"]="commits+done"}
/^@/{l=m[$1];next} NF{print l"\t"$0}' $1.txt | shuf --random-source=<(yes $1) > ../round-$1.tsv
wc -l ../round-$1.tsv; cut -f1 ../round-$1.tsv|sort|uniq -c
