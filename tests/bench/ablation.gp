# Draws the plots of ablate: the data is in the directory `data`, the plots go to `out`.
# The first row of the data is a heading, which only the last plot uses.
set terminal svg size 720,440 font 'sans-serif,13' background 'white'
set style data histograms
# Names hold a "_" or "-" here and there.
set termoption noenhanced
set style histogram clustered gap 1
set style fill solid 0.85 border -1
set key top left
set grid ytics
set xtics rotate by -25
set yrange [0:*]

set output out.'/ablation-round-trip.svg'
set ylabel 'round trip, ms (mean)'
plot data.'/bars.dat' every ::1 using 2:xtic(1) notitle linecolor rgb '#4477aa'

set output out.'/ablation-throughput.svg'
set ylabel 'TCP, Mb/s'
set key outside top center horizontal
plot data.'/bars.dat' every ::1 using 3:xtic(1) title 'out' linecolor rgb '#4477aa', '' every ::1 using 4 title 'in' linecolor rgb '#ee6677'

set output out.'/ablation-exits.svg'
set ylabel 'exits to user space'
set logscale y
set yrange [1:*]
plot data.'/bars.dat' every ::1 using 5:xtic(1) title '1,000 pings' linecolor rgb '#4477aa', \
	'' every ::1 using 6 title 'TCP out' linecolor rgb '#ee6677', '' every ::1 using 7 title 'TCP in' linecolor rgb '#228833'

set output out.'/ablation-exit-times.svg'
set style data linespoints
set logscale x 2
set xtics norotate
set format x '%.0f'
set xlabel 'exit took less than, us'
set ylabel 'exits to user space'
set key outside bottom center horizontal maxrows 3
set yrange [0.8:*]
plot for [column = 2:8] data.'/times.dat' using 1:(column(column) > 0 ? column(column) : 1/0) title columnheader(column) linewidth 1.5
