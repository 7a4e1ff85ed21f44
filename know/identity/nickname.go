package identity

import "strings"

// nicknames are given names that one person goes by, a line each, with what they are in other languages of Europe. A name may
// stand in several lines (alex, chris, jo). The lists are general knowledge, not taken from any data set.
const nicknames = `abigail abby gail abbie
abraham abe bram
adelaide addie ada
agnes aggie nessie
albert al bert bertie alberto albrecht
alexander alex alec sandy sasha xander alasdair alistair alejandro alessandro aleksandr oleksandr
alexandra alex sandra sasha lexi alexa aleksandra
alfred alf fred alfie alfredo
alice ali allie alison lisa
amanda mandy amy
amelia millie amy emelia
andrew andy drew andre andreas andrei andrea anders andrzej
angela angie angelina
ann anne anna annie nan nancy hannah anya nina
anthony tony antony anton antonio antoine
antonia toni tonia
arabella bella belle
archibald archie
arthur art artie arturo
augustus gus august augustine
barbara barb babs barbie
bartholomew bart
beatrice bea trixie beatrix
benjamin ben benny benji
bernard bernie barney bernardo
bridget biddy bridie brigitte
caroline carrie carol lina carolina
catherine cathy kate katie kathy katherine kathleen katharine kit kitty cate kathryn catharine katarina ekaterina katya catalina caterina kay
cecilia cissy celia cecily
charles charlie chuck chas carl karl carlos carlo charley
charlotte lottie charlie lotte
christian chris kit
christina chris tina christine kristina chrissie kirsten
christopher chris kit topher kris christophe cristobal
clara clare claire clarissa
clarence clar
clifford cliff
constance connie
cornelius neil corny
cynthia cindy
daniel dan danny daniil
david dave davy davie
deborah debbie deb debra
dennis den denny denis
dominic dom nick
donald don donnie
dorothy dot dolly dottie dorothea thea
douglas doug
ebenezer eben
edgar ed
edmund ed ned ted eddie edmond
edward ed ned ted eddie teddy eduard eduardo edouard edwd
edwin ed ned eddie
eleanor ellen nell nellie elinor nora ella helen lenore eleonora
elizabeth liz lizzie beth betty bess bessie eliza elsie lisa elisabeth betsy libby lily isabel isabella elspeth lisbeth elisa
emily em emma emmie millie
emma em emmie
ernest ernie ernst ernesto
esther hester essie
eugene gene evgeny
evelyn eve evie
ferdinand ferdie fernando
florence flo florrie flossie
frances fran fanny franny francesca
francis frank fran francesco francisco franz francois
franklin frank
frederick fred freddie freddy fritz rick fredrick frederic friedrich federico fredk
gabriel gabe
genevieve jenny
geoffrey geoff jeff jeffrey jeffery jeff
george georgie jorge georg giorgio yuri geo
georgina georgie gina georgiana
gerald gerry jerry gerard
gertrude gertie trudy
gilbert gil bert
grace gracie
gregory greg gregor
gwendoline gwen
hannah anna nan
harold harry hal
harriet hattie harriette
helen nell nellie ellen elena helena lena eleni
henrietta hetty etta harriet
henry harry hal hank heinrich henri enrique hy
herbert bert herb bertie
hezekiah hez
horace horry
hubert hugh bert
hugh hughie hugo
ignatius iggy
irene rene
isaac ike zac
isabella bella isabel isobel belle izzy
jacob jake jack james
james jim jimmy jamie jas jaime jacques giacomo
jane janet jenny jean jeanne joan joanna janie
janet jan jenny
jasper gaspar caspar
jennifer jen jenny
jeremiah jerry jeremy
jessica jess jessie
joan jo joanie jane
joanna jo joanne johanna
john jack johnny jon ian sean juan jean giovanni johann johannes hans ivan jan evan johnnie jno
jonathan jon jonny nathan
joseph joe joey jos jose josef giuseppe
josephine jo josie
joshua josh
judith judy
julia julie jill gillian juliana
julian jules
katherine kate kathy katie kitty
kenneth ken kenny
laurence larry laurie lawrence lorenzo lars
leonard len lenny leo leonardo
leopold leo
letitia letty tish
lewis lew louis louie luis ludwig luigi
lillian lily lil
louisa lou louise
lucy lucille lucia luz
lydia lyddie
madeline maddie madeleine
magdalena lena magda
margaret meg peggy maggie marge margery greta rita daisy madge margot marguerite margarita maisie
maria mary marie mariah
martha mattie patty marta
martin marty
mary molly polly mae may maria marie minnie moll mamie
matilda tilly mattie maud
matthew matt matty mateo matthias matthieu
maurice morris moritz
maximilian max
melissa mel missy
michael mike mick mickey micky miguel michel mikhail misha michal
mildred millie
montague monty
nathaniel nat nate nathan
nicholas nick nicky nicolas nikolai klaus nico niklas
nicole nicky nikki
oliver ollie olly noll
olivia liv livvy
oscar ossie
pamela pam
patricia pat patty trish tricia patsy
patrick pat paddy patricio
paul pablo paolo pavel paulie
penelope penny
percival percy
peter pete pedro pierre piotr pyotr pieter pietro
philip phil pip phillip felipe philippe
prudence prue
rachel rae
ralph rafe
raymond ray ramon
rebecca becky becca
reginald reg reggie
richard dick rich rick ricky dickie ricardo richd
robert bob rob bobby robbie bert robin roberto robt rupert
roderick rod rory
rodney rod
roger rodge
roland rollo rowland
ronald ron ronnie
rosalind ros roz
rose rosie rosa rosemary
rudolph rudy rudolf
rupert robert
russell russ
samantha sam sammy
samuel sam sammy saml
sandra sandy
sarah sally sadie sara
sebastian seb bastian
sidney sid sydney
simon si simeon
solomon sol
sophia sophie sofia
stanley stan
stephanie steph
stephen steve steven stevie stefan esteban etienne stephan
stuart stu stewart
susan sue susie susanna suzy susannah suzanne
sylvester sly
terence terry terrance
teresa terry tess tessa theresa
theodore ted theo teddy fyodor
theophilus theo
thomas tom tommy thos tomas tommaso
timothy tim timmy
tobias toby
ursula ursie
valentine val
valerie val
vanessa nessa
veronica ronnie vera
victor vic vito viktor
victoria vicky vicki tori
vincent vince vinny vicente
virginia ginny ginger
vivian viv
wallace wally
walter walt wally wat walther
wilfred wilf fred
wilhelmina minnie mina willa
william will bill billy willie wm liam guillermo wilhelm willy guillaume guglielmo
winifred winnie freda
winston win
zachary zach zack
vladimir volodya vova volodymyr
dmitri dima dmitry dmytro
yevgeny evgeny eugene zhenya evgenii
sergei sergey serge serhii
alexei alexey aleksei oleksiy alyosha
mohammed mohammad muhammad mohamed mohamad muhammed md mohd
ahmed ahmad
hussein hussain husayn
yusuf yousef youssef joseph
ibrahim abraham
ali aly
jiri george
giuseppe beppe joseph
francisco paco pancho`

// byNickname are the lines in which a given name stands, by their numbers.
var byNickname = func() map[string][]int16 {
	m := map[string][]int16{}
	line := int16(0)
	for l := range strings.Lines(nicknames) {
		for _, name := range strings.Fields(l) {
			m[name] = append(m[name], line)
		}
		line++
	}
	return m
}()

// nicknamed says whether one person may go by both given names.
func nicknamed(a, b []int16) bool {
	for _, x := range a {
		for _, y := range b {
			if x == y {
				return true
			}
		}
	}
	return false
}

// titles are words before or after a name that are no part of it.
var titles = func() map[string]bool {
	m := map[string]bool{}
	for _, t := range strings.Fields("mr mrs ms miss mx dr prof professor rev reverend sir dame lady lord hon mme mlle herr frau fr sr sra dipl ing phd md esq jr jnr snr capt captain col colonel maj major gen general lt sgt") {
		m[t] = true
	}
	return m
}()
