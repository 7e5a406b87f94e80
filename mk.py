import struct,sys
def tiff(pages,samples=1):
    f=bytearray(b'II*\0'+b'\0'*4);link=4
    for pg in pages:
        start=len(f);rows=len(pg)//samples//2
        f+=b''.join(struct.pack('<h',x) for x in pg)
        def each(k):
            if samples==1:return k
            global_=f.extend(struct.pack('<H',k)*samples);return len(f)-2*samples
        e=[(256,4,1,2),(257,4,1,rows),(258,3,samples,each(16)),(259,3,1,1),(262,3,1,1),(273,4,1,start),(277,3,1,samples),(278,4,1,rows),(279,4,1,2*len(pg)),(339,3,samples,each(2))]
        f[link:link+4]=struct.pack('<I',len(f));f+=struct.pack('<H',len(e))
        for t,ty,c,v in e:f+=struct.pack('<HHII',t,ty,c,v)
        link=len(f);f+=b'\0'*4
    return bytes(f)
open('a.tif','wb').write(tiff([[1,-2,3,4],[5,6,7,8],[9,10,11,-12]]))
open('b.tif','wb').write(tiff([[1,2,3,4,5,6,7,8,9,10,11,12]],3))
w=tiff([[1,2,3,4],[5,6,7,8]]);open('c.tif','wb').write(w[:-40]);open('d.tif','wb').write(tiff([[1,2,3,4],[5,6]]))
